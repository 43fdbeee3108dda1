"""Smaller copies of pictures: which there are, what they look like, what their keys are, and where they are read."""

import cv2
import numpy as np
import pytest

from shared import renditions
from shared.errors import NotFound
from shared.objects.keys import (
    cache_control,
    image_key,
    is_key,
    kept_renditions,
    original_of,
    rendition_key,
    rendition_of,
    with_renditions,
)
from shared.objects.urls import image_urls
from shared.pictures import check, rendition
from shared.renditions import SCREEN, THUMBNAIL
from tests.unit.test_pictures_samples import (
    ADOBE_CMYK,
    LIMITS,
    cmyk_jpeg,
    decoded,
    encoded,
    jpeg_exif,
    jpeg_with,
    scene,
    segment,
    turned,
)

TASK, IMAGE, NONCE = "7a" * 16, "5b" * 16, "0123456789ab"
OLD = f"{TASK}/{IMAGE}-{NONCE}.png"


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((320, 320), ()),
        ((321, 1), (THUMBNAIL,)),
        ((1, 321), (THUMBNAIL,)),
        ((2_000, 1_999), (THUMBNAIL,)),
        ((2_000, 2_000), (THUMBNAIL, SCREEN)),
        ((10_000, 400), (THUMBNAIL, SCREEN)),
        ((0, 0), ()),
    ],
)
def test_a_picture_has_the_renditions_that_are_smaller_than_itself(size, expected):
    assert renditions.of(*size) == expected


def looks_like(data: bytes, pixels: np.ndarray, size: tuple[int, int]) -> bool:
    """Whether a JPEG is a picture reduced to a height and a width."""
    found = decoded(data)
    expected = cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_AREA)
    return found.shape[:2] == size and float(np.abs(found.astype(int) - expected.astype(int)).mean()) < 3


@pytest.mark.parametrize(
    ("height", "width", "sizes"),
    [
        (480, 640, [(240, 320)]),
        (612, 612, [(320, 320)]),
        (1_300, 325, [(320, 80)]),
        (1_500, 2_700, [(178, 320), (889, 1_600)]),
        (1, 9_000, [(1, 320)]),
    ],
)
def test_a_jpeg_s_renditions_are_the_whole_picture_and_as_long_as_they_should_be(height, width, sizes):
    pixels = scene(height, width)
    data = encoded(pixels, "jpg", cv2.IMWRITE_JPEG_QUALITY, 95)
    made = [rendition(data, one, LIMITS) for one in renditions.of(width, height)]
    assert len(made) == len(sizes)
    assert all(looks_like(one, pixels, size) for one, size in zip(made, sizes, strict=True))


@pytest.mark.parametrize(("height", "width", "stored"), [(1_279, 900, 0), (1_280, 900, 1), (2_000, 2_500, 1)])
def test_a_jpeg_is_stored_with_the_renditions_that_cost_its_upload_little(height, width, stored):
    data = encoded(scene(height, width), "jpg")
    wanted = renditions.of(width, height)[:stored]
    assert check(data, LIMITS).renditions == tuple(rendition(data, one, LIMITS) for one in wanted)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_renditions_are_upright(orientation):
    pixels = scene(400, 500)
    made = rendition(jpeg_with(encoded(pixels, "jpg"), jpeg_exif(orientation)), THUMBNAIL, LIMITS)
    size = (256, 320) if orientation < 5 else (320, 256)
    assert looks_like(made, np.ascontiguousarray(turned(pixels, orientation)), size)


def test_other_forms_of_pictures_have_the_same_renditions():
    pixels = scene(400, 500)
    gray = scene(400, 500, 1)
    clear = np.dstack([pixels, np.full((400, 500), 255, np.uint8)])
    samples = {
        "gray": (encoded(gray, "jpg"), gray),
        "progressive": (encoded(pixels, "jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1), pixels),
        "WebP": (encoded(pixels, "webp"), pixels),
        "WebP with alpha": (encoded(clear, "webp"), pixels),
        "BMP": (encoded(pixels, "bmp"), pixels),
        "16-bit PNG": (encoded(pixels.astype(np.uint16) * 257, "png"), pixels),
    }
    for name, (data, expected) in samples.items():
        assert looks_like(rendition(data, THUMBNAIL, LIMITS), expected, (256, 320)), name


def test_what_is_decoded_whole_is_stored_with_all_its_renditions():
    pixels = scene(2_000, 2_500)
    samples = {
        "WebP": encoded(pixels, "webp"),
        "BMP": encoded(pixels, "bmp"),
        "turned JPEG": jpeg_with(encoded(pixels, "jpg"), jpeg_exif(3)),
        "CMYK": cmyk_jpeg(scene(2_000, 2_500, 4), ADOBE_CMYK),
    }
    for name, data in samples.items():
        made = check(data, LIMITS).renditions
        assert [decoded(one).shape[:2] for one in made] == [(256, 320), (1_280, 1_600)], name


def test_what_is_transparent_lies_on_white():
    clear = np.dstack([scene(400, 500), np.zeros((400, 500), np.uint8)])
    [made] = check(encoded(clear, "webp", cv2.IMWRITE_WEBP_QUALITY, 101), LIMITS).renditions
    assert decoded(made).min() > 250


def test_a_png_is_not_decoded_on_the_way_in_and_its_rendition_is_made_later():
    pixels = scene(400, 500)
    data = encoded(pixels, "png")
    assert check(data, LIMITS).renditions == ()
    assert looks_like(rendition(data, THUMBNAIL, LIMITS), pixels, (256, 320))


def test_there_is_no_rendition_as_large_as_its_picture():
    with pytest.raises(NotFound):
        rendition(encoded(scene(320, 200), "png"), THUMBNAIL, LIMITS)
    with pytest.raises(NotFound):
        rendition(encoded(scene(400, 500), "jpg"), SCREEN, LIMITS)


def profile() -> bytes:
    body = bytes(12) + b"RGB " + bytes(108)
    return (len(body) + 4).to_bytes(4, "big") + body


def test_renditions_keep_the_colour_profile_of_their_picture():
    data = jpeg_with(encoded(scene(400, 500), "jpg"), segment(0xE2, b"ICC_PROFILE\0\1\1" + profile()))
    assert profile() in rendition(data, THUMBNAIL, LIMITS)


def test_a_jpeg_that_is_damaged_in_places_has_renditions_too():
    data = bytearray(encoded(np.random.default_rng(1).integers(0, 255, (1_280, 960, 3), np.uint8), "jpg"))
    middle = len(data) // 2
    data[middle : middle + 4] = b"\xff\x00\xff\x00"
    picture = check(bytes(data), LIMITS)
    assert picture.notes == ("the JPEG data is damaged in places",)
    assert [decoded(one).shape for one in picture.renditions] == [(320, 240, 3)]


def test_a_key_says_how_many_renditions_were_stored_with_its_image():
    for kept in (0, 1, 2):
        key = image_key(TASK, IMAGE, nonce=NONCE, kept=kept, extension="jpg")
        assert is_key(key)
        assert kept_renditions(key) == kept
    assert kept_renditions(OLD) == 0


def test_the_key_of_a_rendition_is_told_from_that_of_its_image():
    key = image_key(TASK, IMAGE, nonce=NONCE, kept=2, extension="jpg")
    for one in (THUMBNAIL, SCREEN):
        its_key = rendition_key(key, one)
        assert is_key(its_key)
        assert rendition_of(its_key) == (key, one)
        assert original_of(its_key) == key
        assert cache_control(its_key) == "private, max-age=86400, immutable"
    assert with_renditions(key) == [key, f"{key}.t320.jpg", f"{key}.s1600.jpg"]
    assert rendition_of(key) is None
    assert original_of(key) == key
    assert cache_control(key) == "private, max-age=600, immutable"
    for wrong in (f"{key}.t320.jpg.t320.jpg", f"{key}.t321.jpg", f"{key}.t320.png", "staging/x.t320.jpg"):
        assert not is_key(wrong)


class SignedUrls:
    """As much of an object store as URLs need."""

    def url(self, key: str, *, now: float) -> str:
        return f"signed {key}"


@pytest.mark.parametrize(
    ("kept", "size", "thumbnail", "screen"),
    [
        (1, (640, 480), "signed {}.t320.jpg", None),
        (2, (4_000, 3_000), "signed {}.t320.jpg", "signed {}.s1600.jpg"),
        (1, (4_000, 3_000), "signed {}.t320.jpg", "/api/renditions/{}.s1600.jpg"),
        (0, (640, 480), "/api/renditions/{}.t320.jpg", None),
        (0, (320, 200), "signed {}", None),
        (None, (640, 480), "/api/renditions/{}.t320.jpg", None),
        (None, (0, 0), "signed {}", None),
    ],
)
def test_renditions_that_were_not_stored_are_read_where_they_are_made(kept, size, thumbnail, screen):
    key = OLD if kept is None else image_key(TASK, IMAGE, nonce=NONCE, kept=kept, extension="jpg")
    urls = image_urls(SignedUrls(), key, width=size[0], height=size[1], now=0.0)
    assert urls == {
        "image_url": f"signed {key}",
        "thumbnail_url": thumbnail.format(key),
        "screen_url": screen and screen.format(key),
    }
