"""Pictures are made ready as the authors of exported models do it."""

import numpy as np
import pytest

from services.detector.engine.pictures import prepare
from services.detector.models import FAMILY_PIXELS
from services.detector.models.onnx_model import find_onnx_model
from tests.unit.exported_samples import CLASSIFY, YOLOV5, blank, found_by, texts
from tests.unit.onnx_samples import write_mean_model


def test_the_letterbox_puts_an_odd_line_at_the_end():
    """As Ultralytics rounds it: 64 x 31 pixels in 64 x 64 have 16 gray lines above and 17 below."""
    blob, placement = prepare(
        np.full((31, 64, 3), (10, 20, 30), np.uint8),
        width=64,
        height=64,
        pixels=FAMILY_PIXELS["yolov8"],
        resize="letterbox",
    )
    assert (placement.left, placement.top, placement.scale_x) == (0, 16, 1)
    gray = np.float32(114) * np.float32(1 / 255)
    assert np.allclose(blob[0, :, [15, 47]], gray)
    assert np.allclose(blob[0, :, 16:47].transpose(1, 2, 0), np.float32([30, 20, 10]) / 255)


@pytest.mark.parametrize("size", [(20, 60), (60, 20)])
def test_a_classifier_of_ultralytics_sees_the_middle(tmp_path, size):
    path = write_mean_model(tmp_path / "mean.onnx", entering=(1, 3, 8, 8), metadata=texts(CLASSIFY))
    bgr = np.full((*size, 3), (0, 0, 255), np.uint8)  # red, with a blue middle
    bgr[(size[0] - 20) // 2 : (size[0] + 20) // 2, (size[1] - 20) // 2 : (size[1] + 20) // 2] = (255, 0, 0)
    files = find_onnx_model(path)
    assert (files.model.family, files.resize, files.pixels) == ("classifier", "crop", FAMILY_PIXELS["yolov8"])
    means, _ = prepare(bgr, width=8, height=8, pixels=files.pixels, resize=files.resize)
    assert means.mean(axis=(0, 2, 3)).tolist() == [0, 0, 1]
    e = np.e
    assert found_by(path, bgr)[0] == ("cow", round(e / (e + 2), 3), (0, 0, size[1], size[0]))


def test_a_classifier_of_yolov5_is_fed_as_imagenet_is(tmp_path):
    path = write_mean_model(tmp_path / "mean.onnx", entering=(1, 3, 8, 8), metadata=texts(YOLOV5))
    files = find_onnx_model(path)
    bgr = np.full((8, 8, 3), (103, 116, 123), np.uint8)
    blob, _ = prepare(bgr, width=8, height=8, pixels=files.pixels, resize=files.resize)
    expected = (np.float32([123, 116, 103]) / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    assert np.allclose(blob[0, :, 3, 3], expected, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 10_000), (10_000, 1), (1, 1), (2, 3)])
@pytest.mark.parametrize("resize", ["stretch", "corner", "letterbox", "crop"])
def test_any_size_of_picture_is_made_ready(size, resize):
    blob, placement = prepare(blank(*size), width=64, height=32, pixels=FAMILY_PIXELS["yolov8"], resize=resize)
    assert blob.shape == (1, 3, 32, 64)
    assert placement.scale_x > 0 < placement.scale_y
