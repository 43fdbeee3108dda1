import struct

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


METADATA = [b"eXIf", b"tEXt", b"iTXt", b"zTXt", b"tIME", b"prVt", b"fcTL"]
COLOUR = {b"gAMA": b"\0\0\xb1\x8f", b"sRGB": b"\0", b"pHYs": bytes(9), b"cHRM": bytes(32), b"sBIT": b"\5\5\5"}


@pytest.mark.parametrize("name", METADATA)
def test_metadata_goes(name):
    assert check(png_with(PLAIN, png_chunk(name, b"key\0" + GPS_IFD)), LIMITS).data == PLAIN


@pytest.mark.parametrize(("name", "payload"), COLOUR.items())
def test_what_gives_the_samples_their_meaning_stays(name, payload):
    data = png_with(PLAIN, png_chunk(name, payload))
    assert check(data, LIMITS).data == data


def test_what_follows_the_end_goes():
    assert check(PLAIN + GPS_IFD, LIMITS).data == PLAIN


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


def test_a_turned_deep_png_is_both():
    data = png_with(DEEP_MODES["gray"][0], png_chunk(b"eXIf", tiff(6)))
    picture = check(data, LIMITS)
    assert (picture.width, picture.height) == (1, 2)
    assert decoded(picture.data).tolist() == [[17], [255]]


def test_sizes_are_as_seen():
    picture = check(png_with(PLAIN, png_chunk(b"eXIf", tiff(5))), LIMITS)
    assert (picture.width, picture.height) == (HEIGHT, WIDTH)
