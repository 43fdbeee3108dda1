import struct
import tracemalloc
import zlib

import cv2
import numpy as np
import pytest

from shared.pictures import PictureRejected, check, decode_bgr, read_header
from tests.unit.test_pictures_samples import (
    GPS_IFD,
    HEIGHT,
    LIMITS,
    WIDTH,
    decoded,
    encoded,
    png,
    png_chunk,
    png_with,
    scene,
    tiff,
    turned,
)

PLAIN = encoded(scene(), "png")
WHITE = [255, 255, 255]
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
PALETTE = png_chunk(b"PLTE", bytes([10, 20, 30, 40, 50, 60]))


def interlaced(pixels_rgb: np.ndarray) -> bytes:
    passes = (pixels_rgb[y::dy, x::dx] for x, y, dx, dy in ADAM7)
    rows = b"".join(b"\0" + row.tobytes() for part in passes for row in part if row.size)
    return png(pixels_rgb.shape[1], pixels_rgb.shape[0], 8, 2, rows, interlace=1)


# name: the file, and its pixels as BGR on white
MODES = {
    "bgr": (PLAIN, scene()),
    "gray": (encoded(scene(channels=1), "png"), np.dstack([scene(channels=1)] * 3)),
    "interlaced": (interlaced(scene()[..., ::-1]), scene()),
    "1 x 1": (png(1, 1, 8, 0, b"\0\x07"), [[[7, 7, 7]]]),
    "1 bit": (png(2, 1, 1, 0, b"\0\x40"), [[[0, 0, 0], WHITE]]),
    "palette": (png(2, 1, 8, 3, b"\0\0\1", PALETTE), [[[30, 20, 10], [60, 50, 40]]]),
    "palette, transparent": (
        png(2, 1, 8, 3, b"\0\0\1", PALETTE, png_chunk(b"tRNS", b"\0")),
        [[WHITE, [60, 50, 40]]],
    ),
    "rgb, transparent": (
        png(2, 1, 8, 2, b"\0\1\2\3\4\5\6", png_chunk(b"tRNS", b"\0\1\0\2\0\3")),
        [[WHITE, [6, 5, 4]]],
    ),
    "gray, transparent": (png(2, 1, 8, 0, b"\0\x10\x20", png_chunk(b"tRNS", b"\0\x10")), [[WHITE, [32] * 3]]),
    "2 bits, transparent": (png(2, 1, 2, 0, b"\0\x60", png_chunk(b"tRNS", b"\0\1")), [[WHITE, [170] * 3]]),
    "gray with alpha": (png(2, 1, 8, 4, b"\0\x10\0\x20\xff"), [[WHITE, [32] * 3]]),
    "half transparent": (png(1, 1, 8, 6, b"\0\0\x64\xc8\x80"), [[[227, 177, 127]]]),
    "unusual gamma": (png(1, 1, 8, 0, b"\0\x10", png_chunk(b"gAMA", struct.pack(">I", 100_000))), [[[16] * 3]]),
}
DEEP_MODES = {
    "gray": (png(2, 1, 16, 0, b"\0\x10\xff\xff\xff"), [[[17] * 3, WHITE]]),
    "rgb": (png(1, 1, 16, 2, b"\0\x01\x01\x02\x02\x03\x03"), [[[3, 2, 1]]]),
    "alpha": (png(1, 1, 16, 6, b"\0\x01\x01\x02\x02\x03\x03\0\0"), [[WHITE]]),
    "gray, transparent": (
        png(2, 1, 16, 0, b"\0\x10\x01\x10\x02", png_chunk(b"tRNS", b"\x10\x01")),
        [[WHITE, [16] * 3]],
    ),
}


@pytest.mark.parametrize(("data", "bgr"), MODES.values(), ids=MODES)
def test_pixels_and_modes_stay(data, bgr):
    picture = check(data, LIMITS)
    assert picture.data == data
    assert np.abs(decode_bgr(data, LIMITS).astype(int) - bgr).max() <= 1
    assert (picture.media_type, picture.extension) == ("image/png", "png")


@pytest.mark.parametrize(("data", "bgr"), DEEP_MODES.values(), ids=DEEP_MODES)
def test_sixteen_bits_become_eight(data, bgr):
    picture = check(data, LIMITS)
    assert read_header(data, LIMITS).needs_reencoding
    assert not read_header(picture.data, LIMITS).needs_reencoding
    for kept in (data, picture.data):
        assert np.array_equal(decode_bgr(kept, LIMITS), bgr)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("place", ["before", "after"])
def test_orientation(orientation, channels, place):
    pixels = scene(channels=channels)
    plain, exif = encoded(pixels, "png"), png_chunk(b"eXIf", tiff(orientation))
    data = png_with(plain, exif) if place == "before" else plain[:-12] + exif + plain[-12:]
    picture = check(data, LIMITS)
    seen = turned(pixels, orientation)
    assert np.array_equal(decoded(picture.data), seen)
    assert np.array_equal(decode_bgr(data, LIMITS), decode_bgr(picture.data, LIMITS))
    assert (picture.height, picture.width) == seen.shape[:2]
    assert GPS_IFD not in picture.data
    assert b"eXIf" not in picture.data


METADATA = [b"bKGD", b"eXIf", b"tEXt", b"iTXt", b"zTXt", b"tIME", b"prVt", b"fcTL"]
COLOUR = {b"gAMA": b"\0\0\xb1\x8f", b"sRGB": b"\0", b"pHYs": bytes(9), b"cHRM": bytes(32), b"sBIT": b"\5\5\5"}


@pytest.mark.parametrize("name", METADATA)
def test_metadata_goes(name):
    assert check(png_with(PLAIN, png_chunk(name, b"key\0" + GPS_IFD)), LIMITS).data == PLAIN


@pytest.mark.parametrize(("name", "payload"), COLOUR.items())
def test_what_gives_the_samples_their_meaning_stays(name, payload):
    data = png_with(PLAIN, png_chunk(name, payload))
    assert check(data, LIMITS).data == data


def test_what_follows_the_end_goes():
    picture = check(PLAIN + GPS_IFD, LIMITS)
    assert picture.data == PLAIN
    assert picture.notes == (f"{len(GPS_IFD)} bytes after the picture's end were left out",)


def test_truncation_is_told_at_every_length():
    for length in range(8, len(PLAIN)):
        with pytest.raises(PictureRejected, match="the PNG data is truncated"):
            check(PLAIN[:length], LIMITS)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (png(0, 5, 8, 0, b""), "the picture is empty: it has 0 x 5 pixels"),
        (png(12_000, 12_000, 8, 0, bytes(100)), "12,000 x 12,000 pixels are over the limit of 25,000,000 pixels"),
        (png(10_001, 1, 8, 0, bytes(10_002)), "10,001 x 1 pixels are over the limit of 10,000 pixels for a side"),
        (flipped(PLAIN, -20), "the PNG data is corrupt"),
        (flipped(PLAIN, 30), "the PNG data is corrupt"),
        (png(5, 5, 8, 0, bytes(7)), "the PNG data is corrupt"),
        (png(2, 1, 8, 3, b"\0\0\1"), "the PNG data is corrupt"),
        (png(2, 1, 8, 0, b"\x09\1\2"), "the PNG data is corrupt"),
        (png_with(PLAIN, png_chunk(b"ABCD", b"")), "the PNG data is corrupt"),
        (PLAIN[:8] + png_chunk(b"tEXt", b"") + PLAIN[8:], "the PNG data is corrupt"),
        (PLAIN[:8] + PLAIN[-12:], "the PNG data is corrupt"),
        (png_with(PLAIN, png_chunk(b"acTL", bytes(8))), "the picture is animated (more than one frame)"),
        (png_with(PLAIN, png_chunk(b"tEXt", b"") * 100_001), "the PNG has more than 100,000 chunks"),
    ],
)
def test_rejected(data, reason):
    with pytest.raises(PictureRejected) as refusal:
        check(data, LIMITS)
    assert refusal.value.detail == reason


def test_a_bomb_is_rejected_by_its_header_alone(monkeypatch):
    bomb = png(12_000, 12_000, 8, 2, bytes(36_001 * 1_000))
    monkeypatch.setattr(cv2, "imdecodeWithMetadata", None)
    for refuse in (check, decode_bgr, read_header):
        with pytest.raises(PictureRejected, match="over the limit"):
            refuse(bomb, LIMITS)


def zeros(count: int) -> bytes:
    """So many zeros, packed in little memory."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(min(1_000_000, count - at))) for at in range(0, count, 1_000_000)) + (
        packer.flush()
    )


def packed(idat: bytes, *before: bytes, width: int = 4, height: int = 4) -> bytes:
    """A PNG of 8 bits and three colours from its packed rows."""
    chunks = (png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), *before)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + png_chunk(b"IDAT", idat) + png_chunk(b"IEND", b"")


TURNED = png_chunk(b"eXIf", tiff(6))


@pytest.mark.parametrize("take", [check, decode_bgr])
@pytest.mark.parametrize("before", [(), (TURNED,)], ids=["upright", "turned"])
@pytest.mark.parametrize("surplus", [1, 50_000_000])
def test_data_that_unpack_past_the_pixels_are_refused_before_they_are_held(monkeypatch, take, before, surplus):
    data = packed(zeros(4 * 13 + surplus), *before)
    monkeypatch.setattr(cv2, "imdecodeWithMetadata", None)
    tracemalloc.start()
    try:
        with pytest.raises(PictureRejected, match="the PNG data unpack to more than its pixels"):
            take(data, LIMITS)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("take", [check, decode_bgr])
@pytest.mark.parametrize(
    "idat",
    [
        zeros(4 * 13 - 1),
        zeros(4 * 13)[:-5],
        zeros(4 * 13)[:6],
        b"",
        b"no zlib",
        zeros(4 * 13)[:-4] + b"\0\0\0\0",
    ],
)
def test_data_that_do_not_hold_the_pixels(take, idat):
    with pytest.raises(PictureRejected, match="the PNG data is corrupt"):
        take(packed(idat), LIMITS)


def test_what_follows_the_packed_pixels_is_refused():
    with pytest.raises(PictureRejected, match="the PNG has data after its pixels"):
        check(packed(zeros(4 * 13) + GPS_IFD), LIMITS)


@pytest.mark.parametrize(("name", "before"), [(b"zTXt", b"x\0\0"), (b"iTXt", b"x\0\1\0\0\0")])
def test_packed_texts_are_left_out_as_they_are(name, before):
    plain = zeros(4 * 13)
    text = png_chunk(name, before + zeros(50_000_000))
    assert check(packed(plain, text), LIMITS).data == packed(plain)


@pytest.mark.parametrize(
    "chunks",
    [
        (png_chunk(b"gAMA", bytes(4)),) * 2,
        (png_chunk(b"gAMA", bytes(5)),),
        (png_chunk(b"iCCP", bytes(1_000_001)),),
        (png_chunk(b"PLTE", bytes(4)),),
        (png_chunk(b"PLTE", b""),),
        (png_chunk(b"tRNS", bytes(6)), PALETTE),
        (png_chunk(b"IDAT", b""), png_chunk(b"gAMA", bytes(4))),
    ],
    ids=[
        "twice",
        "too long",
        "a profile too long",
        "a palette of 4 bytes",
        "an empty palette",
        "transparency first",
        "between the pixels",
    ],
)
def test_chunks_that_could_carry_anything_are_refused(chunks):
    with pytest.raises(PictureRejected, match="the PNG data is corrupt"):
        check(png_with(PLAIN, *chunks), LIMITS)


def test_an_end_that_carries_something_is_refused():
    with pytest.raises(PictureRejected, match="the PNG data is corrupt"):
        check(PLAIN[:-12] + png_chunk(b"IEND", GPS_IFD), LIMITS)


@pytest.mark.parametrize(
    ("bits", "colour", "rest"),
    [(3, 0, bytes(3)), (4, 2, bytes(3)), (16, 3, bytes(3)), (8, 5, bytes(3)), (8, 0, b"\1\0\0"), (8, 0, b"\0\0\2")],
)
def test_headers_that_mean_nothing(bits, colour, rest):
    ihdr = png_chunk(b"IHDR", struct.pack(">IIBB", 1, 1, bits, colour) + rest)
    with pytest.raises(PictureRejected, match="the PNG data is corrupt"):
        check(PLAIN[:8] + ihdr + PLAIN[33:], LIMITS)


def deep(values: list[int], *before: bytes, colour: int = 0) -> bytes:
    """A PNG of one row of 16-bit samples."""
    samples = {0: 1, 2: 3, 6: 4}[colour]
    return png(len(values) // samples, 1, 16, colour, b"\0" + struct.pack(f">{len(values)}H", *values), *before)


@pytest.mark.parametrize(
    ("data", "bgr", "bits"),
    [
        (deep([0, 1000, 4095]), [[[0] * 3, [62] * 3, WHITE]], 12),
        (deep([0, 500, 1023]), [[[0] * 3, [125] * 3, WHITE]], 10),
        (deep([0, 7, 255]), [[[0] * 3, [7] * 3, WHITE]], 8),
        (deep([4095, 1, 0], colour=2), [[[0, 0, 255]]], 12),
        (deep([4095, 0, 0, 65535, 0, 0, 0, 0], colour=6), [[[0, 0, 255], WHITE]], 12),
        (deep([200, 100], png_chunk(b"sBIT", b"\x0c")), [[[12] * 3, [6] * 3]], 12),
        (deep([0, 16383], png_chunk(b"sBIT", b"\x0e")), [[[0] * 3, WHITE]], 14),
    ],
)
def test_few_bits_in_sixteen_are_stretched_and_said_to_be(data, bgr, bits):
    picture = check(data, LIMITS)
    assert np.array_equal(decode_bgr(data, LIMITS), bgr)
    assert np.array_equal(decode_bgr(picture.data, LIMITS), bgr)
    assert picture.notes == (f"samples of {bits} bits in 16 were stretched and became samples of 8 bits",)


@pytest.mark.parametrize(
    "data",
    [
        deep([0, 65535]),
        deep([0, 4096]),
        deep([0, 0]),
        deep([257, 15 * 257]),
        deep([0, 65535], png_chunk(b"sBIT", b"\x0c")),
        deep([0, 65535], png_chunk(b"sBIT", b"\xff")),
        deep([0, 65535], png_chunk(b"sBIT", b"")),
    ],
)
def test_sixteen_bits_that_fill_them_are_not_stretched(data):
    picture = check(data, LIMITS)
    expected = [
        round(value / 257) for value in struct.unpack(">2H", zlib.decompress(data[data.index(b"IDAT") + 4 : -16])[1:])
    ]
    assert decoded(picture.data).ravel().tolist() == expected
    assert picture.notes == ("samples of 16 bits became samples of 8 bits",)


def test_a_turned_deep_png_is_both():
    data = png_with(DEEP_MODES["gray"][0], png_chunk(b"eXIf", tiff(6)))
    picture = check(data, LIMITS)
    assert (picture.width, picture.height) == (1, 2)
    assert decoded(picture.data).tolist() == [[17], [255]]


def test_sizes_are_as_seen():
    picture = check(png_with(PLAIN, png_chunk(b"eXIf", tiff(5))), LIMITS)
    assert (picture.width, picture.height) == (HEIGHT, WIDTH)
