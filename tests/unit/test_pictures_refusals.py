import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import Invalid, TooLarge, UnsupportedType
from shared.pictures import (
    Picture,
    PictureLimits,
    PictureRejected,
    PictureTooLarge,
    PictureTypeUnsupported,
    check,
    decode_bgr,
    read_header,
)
from tests.unit.test_pictures_samples import (
    ADOBE_CMYK,
    GPS_IFD,
    LIMITS,
    cmyk_jpeg,
    encoded,
    jpeg_exif,
    jpeg_with,
    png_chunk,
    png_with,
    scene,
    tiff,
    webp_chunk,
    webp_with,
)

SMALL = PictureLimits(max_bytes=100_000, max_pixels=200_000, max_side=2_000)
SAMPLES = [
    encoded(scene(), "jpg"),
    jpeg_with(encoded(scene(), "jpg"), jpeg_exif(6)),
    cmyk_jpeg(scene(channels=4), ADOBE_CMYK),
    encoded(scene(8, 8, 4), "png"),
    png_with(encoded(scene(8, 8), "png"), png_chunk(b"eXIf", tiff(6))),
    encoded(scene(8, 8), "webp"),
    webp_with(encoded(scene(channels=4), "webp"), 8, webp_chunk(b"EXIF", tiff(6))),
    encoded(scene(8, 8), "bmp"),
]

UNSUPPORTED = [
    (b"GIF89a\1\0\1\0", "a GIF picture"),
    (b"II*\0\x08\0\0\0", "a TIFF picture"),
    (b"MM\0*\0\0\0\x08", "a TIFF picture"),
    (b"%PDF-1.7\n", "a PDF document"),
    (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC picture"),
    (b"\0\0\0\x1cftypavif\0\0\0\0", "an AVIF picture"),
    (b"\0\0\0\x1cftypmif1\0\0\0\0avifmif1miaf", "an AVIF picture"),
    (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf", "a HEIC picture"),
    (b"\0\0\0\x18ftypmp42\0\0\0\0", "a video (MP4 or QuickTime)"),
    (b"RIFF\x10\0\0\0AVI LIST", "a video (AVI)"),
    (b"\x1a\x45\xdf\xa3\x01", "a video (Matroska or WebM)"),
    (b"\0\0\x01\0\x01\0", "an icon (ICO)"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51\0", "a JPEG 2000 picture"),
    (b"\xff\x0a\xfa", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
    (b"8BPS\0\1", "a Photoshop document (PSD)"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'><title>x</title></svg>", "an SVG drawing"),
    (b"\xef\xbb\xbf <?xml version='1.0'?><!-- drawn -->\n<SVG width='1'>", "an SVG drawing"),
    ("<svg width='1'/>".encode("utf-16"), "an SVG drawing"),
    (b"<?xml version='1.0'?><!DOCTYPE svg PUBLIC ''>", "an SVG drawing"),
    (b"<s:svg xmlns:s='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
    (b"\n<!DOCTYPE html><html><svg></svg></html>", "an HTML page"),
    (b"<html><body>404</body></html>", "an HTML page"),
    (b"<script>alert(1)</script>", "an HTML page"),
]


@pytest.mark.parametrize("take", [check, decode_bgr, read_header])
@pytest.mark.parametrize(("data", "kind"), UNSUPPORTED, ids=[kind for _, kind in UNSUPPORTED])
def test_other_types_are_named(take, data, kind):
    with pytest.raises(PictureTypeUnsupported) as refusal:
        take(data, LIMITS)
    said, _, advice = refusal.value.detail.partition(": ")
    assert said == f"the file is {kind}; only JPEG, PNG, WebP and BMP pictures are taken"
    assert re.match("(save|send) ", advice)


@pytest.mark.parametrize("take", [check, decode_bgr, read_header])
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"holiday.jpg", "the file is not a picture: its content is none of JPEG, PNG, WebP and BMP"),
        (b"BMW is a maker of cars", "the file is not a picture: its content is none of JPEG, PNG, WebP and BMP"),
        (b"<note/>", "the file is not a picture: its content is none of JPEG, PNG, WebP and BMP"),
        (b"svg in a text: <svg>", "the file is not a picture: its content is none of JPEG, PNG, WebP and BMP"),
        (bytes(100), "the file is not a picture: its content is none of JPEG, PNG, WebP and BMP"),
    ],
)
def test_no_picture_at_all(take, data, reason):
    with pytest.raises(PictureRejected) as refusal:
        take(data, LIMITS)
    assert refusal.value.detail == reason


def test_errors_belong_to_the_family():
    assert issubclass(PictureRejected, Invalid)
    assert issubclass(PictureTooLarge, TooLarge)
    assert issubclass(PictureTypeUnsupported, UnsupportedType)


def test_limits_hold_from_just_above():
    data = encoded(scene(20, 30), "png")
    fitting = PictureLimits(max_bytes=len(data), max_pixels=600, max_side=30)
    assert check(data, fitting).width == 30
    with pytest.raises(
        PictureTooLarge, match=f"the file's {len(data)} bytes are over the limit of {len(data) - 1} bytes"
    ):
        check(data, PictureLimits(max_bytes=len(data) - 1))
    with pytest.raises(PictureRejected, match="30 x 20 pixels are over the limit of 599 pixels"):
        check(data, PictureLimits(max_pixels=599))
    with pytest.raises(PictureRejected, match="30 x 20 pixels are over the limit of 29 pixels for a side"):
        check(data, PictureLimits(max_side=29))


def take_or_refuse(data: bytes) -> None:
    """Nothing but a picture, or a refusal from the family; and the picture is taken again as it is."""
    try:
        picture = check(data, SMALL)
    except (PictureRejected, PictureTooLarge, PictureTypeUnsupported):
        return
    assert isinstance(picture, Picture)
    assert GPS_IFD not in picture.data
    again = check(picture.data, SMALL)
    assert replace(again, notes=()) == replace(picture, notes=())
    assert decode_bgr(data, SMALL).shape == (picture.height, picture.width, 3)


STARTS = [b"", b"BM", b"\xff\xd8\xff", *(sample[:40] for sample in SAMPLES)]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(STARTS), st.binary(max_size=200))
def test_random_bytes(start, data):
    take_or_refuse(start + data)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SAMPLES), st.data())
def test_truncated(sample, data):
    take_or_refuse(sample[: data.draw(st.integers(0, len(sample)))])


@settings(max_examples=800, deadline=None)
@given(st.sampled_from(SAMPLES), st.data())
def test_mutated(sample, data):
    mutated = bytearray(sample)
    places = st.one_of(st.integers(0, min(120, len(sample) - 1)), st.integers(0, len(sample) - 1))
    for at, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=4)):
        mutated[at] = value
    take_or_refuse(bytes(mutated))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SAMPLES), st.data())
def test_cut_out_or_put_in(sample, data):
    start = data.draw(st.integers(0, len(sample)))
    end = data.draw(st.integers(start, min(start + 16, len(sample))))
    take_or_refuse(sample[:start] + data.draw(st.binary(max_size=8)) + sample[end:])
