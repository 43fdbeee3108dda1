import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pictures import PictureRejected, PictureTypeUnsupported, check, decode_bgr, read_header
from shared.pictures.exif import read_orientation
from tests.unit.test_pictures_samples import (
    ADOBE_CMYK,
    ADOBE_YCCK,
    GPS_IFD,
    HEIGHT,
    LIMITS,
    WIDTH,
    cmyk_jpeg,
    decoded,
    encoded,
    jpeg_exif,
    jpeg_with,
    scene,
    segment,
    tiff,
    turned,
)

PLAIN = encoded(scene(), "jpg")
ICC = segment(0xE2, b"ICC_PROFILE\0\x01\x01" + b"profile")
ADOBE = segment(0xEE, b"Adobe\0\x64\0\0\0\0\x01")


def rgb_profile() -> bytes:
    return (144).to_bytes(4, "big") + bytes(12) + b"RGB XYZ " + bytes(120)


MODES = {
    "baseline": PLAIN,
    "progressive": encoded(scene(), "jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "optimised": encoded(scene(), "jpg", cv2.IMWRITE_JPEG_OPTIMIZE, 1),
    "restart markers": encoded(scene(), "jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, 1),
    "4:4:4": encoded(scene(), "jpg", cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    "gray": encoded(scene(channels=1), "jpg"),
    "1 x 1": encoded(scene(1, 1), "jpg"),
    "9 x 17": encoded(scene(17, 9), "jpg"),
    "fill bytes": jpeg_with(PLAIN, b"\xff\xff\xff"),
    "stray bytes between segments": jpeg_with(PLAIN, segment(0xFE, b"x") + b"stray\xff\x00\xff\xd0"),
}


@pytest.mark.parametrize("data", MODES.values(), ids=MODES)
def test_pixels_and_modes_stay(data):
    picture = check(data, LIMITS)
    assert np.array_equal(decoded(picture.data), decoded(data))
    assert np.array_equal(decode_bgr(data, LIMITS), decoded(data, cv2.IMREAD_COLOR))
    assert (picture.height, picture.width) == decoded(data).shape[:2]
    assert (picture.media_type, picture.extension) == ("image/jpeg", "jpg")
    assert not read_header(data, LIMITS).needs_reencoding


def test_a_plain_jpeg_stays_byte_for_byte():
    assert check(PLAIN, LIMITS).data == PLAIN


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation, order):
    data = jpeg_with(PLAIN, jpeg_exif(orientation, order))
    seen = turned(decoded(PLAIN), orientation)
    picture = check(data, LIMITS)
    assert read_header(data, LIMITS).orientation == orientation
    assert np.array_equal(decode_bgr(data, LIMITS), seen)
    assert (picture.height, picture.width) == seen.shape[:2]
    assert np.abs(decoded(picture.data).astype(int) - seen).max() <= 12
    assert read_header(picture.data, LIMITS).orientation == 1
    assert GPS_IFD not in picture.data
    assert b"Exif" not in picture.data


def test_a_turned_gray_jpeg_stays_gray():
    data = jpeg_with(encoded(scene(channels=1), "jpg"), jpeg_exif(6))
    assert decoded(check(data, LIMITS).data).shape == (WIDTH, HEIGHT)


METADATA = {
    "EXIF": jpeg_exif(1),
    "XMP": segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>"),
    "JFXX": segment(0xE0, b"JFXX\0thumbnail"),
    "MPF": segment(0xE2, b"MPF\0more pictures"),
    "IPTC": segment(0xED, b"Photoshop 3.0\0city"),
    "comment": segment(0xFE, b"made at home"),
    "APP4": segment(0xE4, b"anything"),
}


@pytest.mark.parametrize("metadata", METADATA.values(), ids=METADATA)
def test_metadata_goes(metadata):
    assert check(jpeg_with(PLAIN, metadata), LIMITS).data == PLAIN


@pytest.mark.parametrize("kept", [ICC, ADOBE], ids=["ICC", "Adobe"])
def test_what_gives_the_samples_their_meaning_stays(kept):
    data = jpeg_with(PLAIN, kept)
    assert check(jpeg_with(data, jpeg_exif(1)), LIMITS).data == data


def test_metadata_between_scans_goes():
    data = MODES["progressive"]
    second_scan = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    tables = data.rindex(b"\xff\xc4", 0, second_scan)
    assert check(data[:tables] + jpeg_exif(6) + data[tables:], LIMITS).data == data


def test_a_thumbnail_inside_the_exif_data_does_not_end_the_picture():
    assert check(jpeg_with(PLAIN, segment(0xE1, b"Exif\0\0" + tiff(1) + PLAIN)), LIMITS).data == PLAIN


def test_the_colour_profile_of_a_turned_jpeg_stays():
    profile = rgb_profile()
    data = jpeg_with(PLAIN, jpeg_exif(6), segment(0xE2, b"ICC_PROFILE\0\x01\x01" + profile))
    assert profile in check(data, LIMITS).data


def test_a_broken_colour_profile_of_a_turned_jpeg_goes():
    assert b"ICC_PROFILE" not in check(jpeg_with(PLAIN, jpeg_exif(6), ICC), LIMITS).data


def test_what_follows_the_end_goes():
    assert check(PLAIN + b"trailing \xff\xd9 bytes" + GPS_IFD, LIMITS).data == PLAIN


@pytest.mark.parametrize("transform", [ADOBE_CMYK, None])
def test_cmyk_becomes_bgr(transform):
    planes = scene(channels=4)
    data = cmyk_jpeg(planes, transform)
    # as Adobe writes them, and everyone reads them, the inks are inverted: 255 is no ink
    cmy, black = planes[..., :3].astype(int), planes[..., 3:].astype(int)
    expected_bgr = (cmy * black // 255)[..., ::-1]
    assert read_header(data, LIMITS).needs_reencoding
    assert np.abs(decode_bgr(data, LIMITS).astype(int) - expected_bgr).max() <= 12
    picture = check(data, LIMITS)
    assert decoded(picture.data).shape == (HEIGHT, WIDTH, 3)
    assert np.abs(decode_bgr(picture.data, LIMITS).astype(int) - expected_bgr).max() <= 24
    assert not read_header(picture.data, LIMITS).needs_reencoding


def test_ycck_becomes_bgr():
    planes = np.full((HEIGHT, WIDTH, 4), 128, np.uint8)
    planes[..., 0], planes[..., 3] = 100, 255
    data = cmyk_jpeg(planes, ADOBE_YCCK)
    assert np.abs(decode_bgr(data, LIMITS).astype(int) - 155).max() <= 3
    assert read_header(check(data, LIMITS).data, LIMITS).is_showable


def test_cmyk_is_turned_too():
    data = cmyk_jpeg(scene(channels=4), ADOBE_CMYK)
    seen = turned(decode_bgr(data, LIMITS), 8)
    assert np.array_equal(decode_bgr(jpeg_with(data, jpeg_exif(8)), LIMITS), seen)


@pytest.mark.parametrize("name", ["baseline", "progressive", "gray"])
@pytest.mark.parametrize("end", [b"", b"\xff\xd9"], ids=["without an end", "with an end"])
def test_truncation_is_told_at_every_length(name, end):
    data = MODES[name]
    for length in (*range(3, len(data) - 4, 7), len(data) - 4):
        for take in (check, decode_bgr):
            with pytest.raises(PictureRejected, match=r"JPEG data is (truncated|corrupt)"):
                take(data[:length] + end, LIMITS)


@pytest.mark.parametrize("data", MODES.values(), ids=MODES)
@pytest.mark.parametrize("missing", [1, 2])
def test_one_without_only_its_end_marker_is_taken_and_said_to_be(data, missing):
    picture = check(data[:-missing], LIMITS)
    assert picture.notes == ("the end marker was missing and was added",)
    assert picture.data == check(data, LIMITS).data
    assert np.array_equal(decode_bgr(data[:-missing], LIMITS), decode_bgr(data, LIMITS))


@pytest.mark.parametrize("name", ["baseline", "progressive"])
@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("stray", [b"", b"stray\xff\x00"])
def test_a_header_that_promises_more_than_the_data_hold(name, orientation, stray):
    data = MODES[name]
    at = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2")) + 5
    lying = data[:at] + struct.pack(">HH", 3000, 3000) + data[at + 4 :]
    with pytest.raises(PictureRejected, match="truncated"):
        check(jpeg_with(lying, jpeg_exif(orientation), stray), LIMITS)


def test_a_damaged_stripe_is_taken_and_said_to_be():
    data = bytearray(encoded(np.random.default_rng(1).integers(0, 255, (256, 256), np.uint8), "jpg"))
    middle = len(data) // 2
    data[middle : middle + 4] = b"\xff\x00\xff\x00"
    picture = check(bytes(data), LIMITS)
    assert (picture.width, picture.height) == (256, 256)
    assert picture.notes == ("the JPEG data is damaged in places",)


def with_size(height: int, width: int) -> bytes:
    at = PLAIN.index(b"\xff\xc0") + 5
    return PLAIN[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + PLAIN[at + 4 :]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (with_size(65535, 65535), "65,535 x 65,535 pixels are over the limit of 25,000,000 pixels"),
        (with_size(0, 48), "the picture is empty: it has 48 x 0 pixels"),
        (with_size(48, 0), "the picture is empty: it has 0 x 48 pixels"),
        (b"\xff\xd8\xff\xd9", "the JPEG data is corrupt"),
        (PLAIN[: PLAIN.index(b"\xff\xc0")] + b"\xff\xd9", "the JPEG data is corrupt"),
        (jpeg_with(PLAIN, b"\xff\xd8"), "the JPEG data is corrupt"),
        (jpeg_with(PLAIN, b"\xff\xe1\0\1"), "the JPEG data is corrupt"),
        (jpeg_with(PLAIN, segment(0xC0, b"\x08")), "the JPEG data is corrupt"),
        (PLAIN.replace(b"\xff\xdb", b"\xff\xf7"), "the JPEG data is corrupt"),
        *(
            (MODES["progressive"][:-2] + segment(0xDA, b"\0" * n) + b"\xff\xd9", "the JPEG data is corrupt")
            for n in range(6)
        ),
        (jpeg_with(PLAIN, segment(0xFE, b"") * 10_001), "the JPEG has more than 10,000 segments"),
        (PLAIN[:-2] + segment(0xDA, b"\1\1\0\0\x3f\0") * 101 + b"\xff\xd9", "the JPEG has more than 100 scans"),
    ],
)
def test_rejected(data, reason):
    with pytest.raises(PictureRejected) as refusal:
        check(data, LIMITS)
    assert refusal.value.detail == reason


def test_twelve_bits_are_not_taken():
    at = PLAIN.index(b"\xff\xc0") + 4
    with pytest.raises(PictureTypeUnsupported, match="12 bits per sample"):
        check(PLAIN[:at] + b"\x0c" + PLAIN[at + 1 :], LIMITS)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_unknown_orientation_is_upright(orientation):
    assert read_orientation(tiff(orientation)) == 1


def test_broken_exif_is_upright():
    whole = tiff(6)
    assert [read_orientation(whole[:length]) for length in range(22)] == [1] * 22
    assert read_orientation(whole[:4] + b"\xff\xff\xff\xff" + whole[8:]) == 1


@given(st.binary())
def test_any_exif_has_an_orientation(exif):
    for start in (b"", b"II*\0", b"MM\0*", b"Exif\0\0MM\0*\0\0\0\x08"):
        assert read_orientation(start + exif) in range(1, 9)
