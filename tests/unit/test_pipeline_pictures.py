"""Pictures between the steps of pipelines: raw, encoded, hidden."""

import struct

import cv2
import numpy as np
import pytest

from shared.event_data import StepOpened
from shared.pictures import PictureLimits, PictureRejected
from shared.pipelines import Operation, Origin, derived_id, outputs
from shared.pipelines.hiding import hidden
from shared.pipelines.pictures import encoded, packed, read, unpacked
from shared.results import Rectangle
from tests.service.picture_samples import deep_png, turned_jpeg

LIMITS = PictureLimits()


def picture(height: int, width: int):
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 5)])
def test_raw_pictures_come_back(size):
    pixels = picture(*size)
    data = packed(pixels)
    assert data[:12] == struct.pack("<III", size[1], size[0], 3)
    assert data[12:] == pixels.tobytes()
    assert (unpacked(data, LIMITS) == pixels).all()
    assert (read("work/x.raw", packed(pixels[:, ::-1]), LIMITS) == pixels[:, ::-1]).all()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 11,
        struct.pack("<III", 0, 0, 3),
        struct.pack("<III", 2, 2, 3) + b"\0" * 11,
        struct.pack("<III", 2, 2, 3) + b"\0" * 13,
        struct.pack("<III", 2, 2, 4) + b"\0" * 16,
        struct.pack("<III", 2**31, 2**31, 3),
    ],
)
def test_broken_raw_pictures_are_refused(data):
    with pytest.raises(PictureRejected, match="broken"):
        unpacked(data, LIMITS)


def test_raw_pictures_keep_to_the_limits():
    with pytest.raises(PictureRejected, match="more than 3 pixels"):
        unpacked(packed(picture(2, 2)), PictureLimits(max_pixels=3))


def test_files_are_read_upright_and_in_three_channels():
    assert read("a/b.jpg", turned_jpeg(), LIMITS).shape == cv2.imdecode(np.frombuffer(turned_jpeg(), np.uint8), 1).shape
    assert read("a/b.png", deep_png(), LIMITS).dtype == np.uint8
    for pixels in (picture(5, 4), picture(5, 4)[..., 0], np.dstack([picture(5, 4), picture(5, 4)[..., 0]])):
        data = cv2.imencode(".png", pixels)[1].tobytes()
        assert read("a/b.png", data, LIMITS).shape == (5, 4, 3)


def test_encoded_as_opencv_encodes():
    pixels = picture(40, 30)
    assert encoded(pixels, "png", 95) == cv2.imencode(".png", pixels)[1].tobytes()
    assert encoded(pixels, "jpg", 80) == cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()


@pytest.mark.parametrize(
    ("is_last", "key"), [(True, "{task}/{image}-{nonce}-0.png"), (False, "work/{task}/{image}-{nonce}.raw")]
)
def test_what_comes_out_is_told_with_its_bytes(is_last, key):
    origin = Origin(image_id="5b" * 16, width=80, height=60, path=((0, 1),), affine=(1.0, 0.0, 40.0, 0.0, 1.0, 0.0))
    opened = StepOpened(
        task_id="7a" * 16,
        image_id="5b" * 16,
        step=0,
        operations=(Operation(name="split"),),
        object_key="x",
        width=80,
        height=60,
        origin=origin,
        is_last=is_last,
        output="png",
        quality=95,
    )
    told, data = outputs.output(opened, picture(60, 40), origin, nonce="0123456789ab")
    image_id = derived_id(origin.image_id, origin.path)
    assert told.object_key == key.format(task=opened.task_id, image=image_id, nonce="0123456789ab")
    assert (told.image_id, told.origin, told.width, told.height) == (image_id, origin, 40, 60)
    assert told.size_bytes == len(data)
    assert told.media_type == ("image/png" if is_last else "application/octet-stream")


PLACE = Rectangle(left=20, top=10, width=40, height=20)
INSIDE = np.s_[8:32, 16:64]
"""The place, grown by a tenth."""


@pytest.mark.parametrize("cover", ["pixelate", "blur", "fill"])
def test_hidden_places_and_nothing_else(cover):
    pixels = picture(60, 80)
    before = pixels.copy()
    found = hidden(pixels, [PLACE], cover, grow=0.1)
    assert (pixels == before).all()
    outside = np.ones((60, 80), bool)
    outside[INSIDE] = False
    assert (found[outside] == pixels[outside]).all()
    assert (found[INSIDE] != pixels[INSIDE]).any(axis=2).mean() > 0.95


def test_pixelated_in_twelve_blocks():
    found = hidden(picture(60, 80), [PLACE], "pixelate", grow=0.1)[INSIDE]
    blocks = found.reshape(6, 4, 12, 4, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()


def test_filled_with_the_mean():
    pixels = picture(60, 80)
    found = hidden(pixels, [PLACE], "fill", grow=0.1)[INSIDE].reshape(-1, 3)
    assert (found == found[0]).all()
    assert found[0].tolist() == np.rint(pixels[INSIDE].reshape(-1, 3).mean(axis=0)).astype(int).tolist()


def test_blurred_by_a_sixth_of_the_side():
    pixels = picture(60, 80)
    expected = cv2.GaussianBlur(pixels[INSIDE].copy(), (0, 0), 48 / 6)
    assert (hidden(pixels, [PLACE], "blur", grow=0.1)[INSIDE] == expected).all()


def test_a_large_place_is_blurred_as_much():
    steps = np.zeros((300, 420, 3), np.uint8)
    steps[:, 210:] = 240
    whole = Rectangle(left=0, top=0, width=420, height=300)
    found = hidden(steps, [whole], "blur", grow=0.0).astype(int)
    expected = cv2.GaussianBlur(steps, (0, 0), 70).astype(int)
    assert np.abs(found - expected).max() <= 4


@pytest.mark.parametrize("cover", ["pixelate", "blur", "fill"])
@pytest.mark.parametrize(
    "place",
    [
        Rectangle(left=-5, top=-5, width=9, height=200),
        Rectangle(left=79, top=59, width=1, height=1),
        Rectangle(left=100, top=100, width=5, height=5),
        Rectangle(left=0, top=0, width=80, height=1),
    ],
)
def test_places_at_the_edge_end_there(cover, place):
    found = hidden(picture(60, 80), [place], cover, grow=0.0)
    assert found.shape == (60, 80, 3)
