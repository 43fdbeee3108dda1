import cv2
import numpy as np
import pytest

from shared.pictures import PictureRejected, check, decode_bgr, read_header
from tests.unit.test_pictures_samples import (
    GPS_IFD,
    LIMITS,
    decoded,
    encoded,
    scene,
    tiff,
    turned,
    webp_chunk,
    webp_with,
)

LOSSY, LOSSLESS = (cv2.IMWRITE_WEBP_QUALITY, 90), (cv2.IMWRITE_WEBP_QUALITY, 101)
PLAIN = encoded(scene(), "webp", *LOSSY)
ANIMATION, XMP, EXIF, ALPHA = 0x02, 0x04, 0x08, 0x10
MODES = {
    "lossy": PLAIN,
    "lossy, alpha": encoded(scene(channels=4), "webp", *LOSSY),
    "lossless": encoded(scene(), "webp", *LOSSLESS),
    "lossless, alpha": encoded(scene(channels=4), "webp", *LOSSLESS),
    "1 x 1": encoded(scene(1, 1), "webp", *LOSSY),
    "1 x 1 lossless": encoded(scene(1, 1), "webp", *LOSSLESS),
}


def alpha_flag(name: str) -> int:
    """Without it, decoders pass over the alpha of an extended WebP."""
    return ALPHA if "alpha" in name else 0


@pytest.mark.parametrize("data", MODES.values(), ids=MODES)
def test_pixels_and_modes_stay(data):
    picture = check(data, LIMITS)
    assert picture.data == data
    assert (picture.height, picture.width) == decoded(data).shape[:2]
    assert (picture.media_type, picture.extension) == ("image/webp", "webp")


@pytest.mark.parametrize("data", MODES.values(), ids=MODES)
def test_transparency_lies_on_white(data):
    pixels = decoded(data).astype(float)
    share = pixels[..., 3:] / 255 if pixels.shape[2] == 4 else 1.0
    on_white = pixels[..., :3] * share + 255 * (1 - share)
    assert np.abs(decode_bgr(data, LIMITS) - on_white).max() <= 1


@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["lossy", "lossy, alpha", "lossless", "lossless, alpha"])
def test_orientation(name, orientation, prefix):
    plain = MODES[name]
    data = webp_with(plain, alpha_flag(name) | EXIF, webp_chunk(b"EXIF", prefix + tiff(orientation)))
    seen = turned(decoded(plain), orientation)
    picture = check(data, LIMITS)
    assert np.array_equal(decode_bgr(data, LIMITS), turned(decode_bgr(plain, LIMITS), orientation))
    stored = decoded(picture.data)
    assert stored.shape == seen.shape
    assert np.abs(stored.astype(int) - seen)[..., -1].max() <= (0 if "lossless" in name else 40)
    assert read_header(picture.data, LIMITS).is_lossless == ("lossless" in name)
    assert GPS_IFD not in picture.data
    assert b"EXIF" not in picture.data


@pytest.mark.parametrize("name", ["lossy", "lossy, alpha", "lossless", "lossless, alpha"])
def test_metadata_goes_and_is_not_announced(name):
    plain = webp_with(MODES[name], alpha_flag(name))
    data = webp_with(
        MODES[name],
        alpha_flag(name) | EXIF | XMP,
        webp_chunk(b"EXIF", tiff(1)),
        webp_chunk(b"XMP ", b"<x:xmpmeta/>!"),
        webp_chunk(b"NOTE", GPS_IFD),
    )
    assert check(data, LIMITS).data == plain
    assert np.array_equal(decoded(plain), decoded(MODES[name]))


def test_the_colour_profile_stays():
    is_encoded, data = cv2.imencodeWithMetadata(
        ".webp", scene(), [cv2.IMAGE_METADATA_ICCP], [np.frombuffer(b"profile.", np.uint8)]
    )
    assert is_encoded
    assert check(data.tobytes(), LIMITS).data == data.tobytes()


def test_what_follows_the_end_goes():
    assert check(PLAIN + GPS_IFD, LIMITS).data == PLAIN


def test_truncation_is_told_at_every_length():
    for length in range(12, len(PLAIN)):
        with pytest.raises(PictureRejected, match="the WebP data is truncated"):
            check(PLAIN[:length], LIMITS)


def shortened() -> bytes:
    """A WebP that ends too early, though all its sizes say otherwise."""
    return PLAIN[:12] + webp_chunk(b"VP8 ", PLAIN[20:-20])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (webp_with(PLAIN, ANIMATION), "the picture is animated (more than one frame)"),
        (webp_with(PLAIN, 0, webp_chunk(b"ANMF", bytes(24))), "the picture is animated (more than one frame)"),
        (webp_with(PLAIN, 0, size=(47, 32)), "the WebP data is corrupt"),
        (
            webp_with(PLAIN[:12], 0, size=(12_000, 12_000)),
            "12,000 x 12,000 pixels are over the limit of 25,000,000 pixels",
        ),
        (webp_with(PLAIN[:12], 0, webp_chunk(b"VP8 ", b"")), "the WebP data is corrupt"),
        (webp_with(PLAIN[:12], 0, webp_chunk(b"VP8L", b"")), "the WebP data is corrupt"),
        (webp_with(PLAIN[:12], 0), "the WebP data is corrupt"),
        (b"RIFF\x04\0\0\0WEBP", "the WebP data is corrupt"),
        (b"RIFF\x0c\0\0\0WEBPVP8X\0\0\0\0", "the WebP data is corrupt"),
        (b"RIFF" + (len(shortened()) - 8).to_bytes(4, "little") + shortened()[8:], "the WebP data is corrupt"),
        (webp_with(PLAIN, 0, webp_chunk(b"NOTE", b"") * 10_001), "the WebP has more than 10,000 chunks"),
    ],
)
def test_rejected(data, reason):
    with pytest.raises(PictureRejected) as refusal:
        check(data, LIMITS)
    assert refusal.value.detail == reason


def test_an_animation_of_opencv_is_told():
    animation = cv2.Animation()
    animation.frames, animation.durations = [scene(), scene()[::-1].copy()], [100, 100]
    is_encoded, data = cv2.imencodeanimation(".webp", animation)
    assert is_encoded
    with pytest.raises(PictureRejected, match="animated"):
        check(data.tobytes(), LIMITS)


def test_the_tables_that_lossless_data_could_describe_are_counted():
    """65,536 groups of prefix codes in 300 kB take 380 MB."""
    lossless = encoded(scene(1024, 1024), "webp", *LOSSLESS)
    coded_bytes = len(lossless) - 20
    assert read_header(lossless, LIMITS).table_bytes == coded_bytes * 8 // 20 * 6_000
    padded = webp_with(lossless, 0, webp_chunk(b"NOTE", bytes(300_000)), size=(1024, 1024))
    assert read_header(padded, LIMITS).table_bytes == coded_bytes * 8 // 20 * 6_000
    assert read_header(MODES["1 x 1 lossless"], LIMITS).table_bytes == 6_000
    assert read_header(PLAIN, LIMITS).table_bytes == 0


@pytest.mark.parametrize(("compression", "groups"), [(0, 0), (1, 65_536)])
def test_the_alpha_of_a_lossy_file_may_be_lossless_data(compression, groups):
    picture = encoded(scene(1024, 1024), "webp", *LOSSY)
    alpha = webp_chunk(b"ALPH", bytes([compression]) + bytes(300_000))
    data = webp_with(picture, ALPHA, alpha, size=(1024, 1024))
    assert read_header(data, LIMITS).table_bytes == groups * 6_000
