from pathlib import Path

import cv2
import numpy as np
import pytest

from loadtest.samples import draw, write_model
from services.detector.engine.opencv_dnn import OpenCvEngine
from services.detector.engine.rows import read_rows
from services.detector.models import find_model

ASSETS = Path(__file__).parents[3] / "shared" / "assets"
needs_assets = pytest.mark.skipif(not ASSETS.is_dir(), reason=f"the test assets are not at {ASSETS}")


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return OpenCvEngine(find_model(write_model(tmp_path_factory.mktemp("model"))))


def test_finds_every_square_to_the_pixel(engine, tmp_path):
    for truth in draw(tmp_path, 50, seed=7):
        found = engine.detect(cv2.imread(str(tmp_path / truth.filename)), min_confidence=0.25, nms_iou=0.45)
        expected = () if truth.is_faint else truth.squares
        assert all(detection.confidence > 0.99 for detection in found)
        assert sorted(detection.label for detection in found) == sorted(square.label for square in expected)
        for square in expected:
            assert any(
                detection.label == square.label
                and abs(detection.rectangle.left - square.left) <= 1
                and abs(detection.rectangle.top - square.top) <= 1
                and abs(detection.rectangle.width - square.width) <= 1
                and abs(detection.rectangle.height - square.height) <= 1
                for detection in found
            ), truth


def test_low_confidences_are_reported_when_asked_for(engine, tmp_path):
    faint = next(truth for truth in draw(tmp_path, 8, seed=1) if truth.is_faint)
    bgr = cv2.imread(str(tmp_path / faint.filename))
    found = engine.detect(bgr, min_confidence=0.001, nms_iou=0.45)
    assert {detection.label for detection in found} == {faint.label}
    assert all(0.001 <= detection.confidence < 0.1 for detection in found)


def test_any_size_of_picture(engine):
    for height, width in [(1, 1), (1, 500), (500, 1), (37, 211)]:
        red = np.zeros((height, width, 3), np.uint8)
        red[:, :, 2] = 255
        for detection in engine.detect(red, min_confidence=0.25, nms_iou=0.45):
            place = detection.rectangle
            assert place.left >= 0 <= place.top
            assert place.width >= 1 <= place.height
            assert place.left + place.width <= width
            assert place.top + place.height <= height


def rows(*boxes):
    """Rows of a YOLO layer with two classes, from (centre x, centre y, width, height, confidence, confidence)."""
    return np.array([(*box[:4], 1, *box[4:]) for box in boxes], np.float32).reshape(-1, 7)


def read(*boxes, min_confidence=0.25, nms_iou=0.45):
    found = read_rows(
        rows(*boxes), classes=("a", "b"), width=100, height=200, min_confidence=min_confidence, nms_iou=nms_iou
    )
    return [
        (d.label, round(d.confidence, 3), (d.rectangle.left, d.rectangle.top, d.rectangle.width, d.rectangle.height))
        for d in found
    ]


MIDDLE = (0.5, 0.5, 0.2, 0.2)
BOX = (40, 80, 20, 40)


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        pytest.param([], [], id="no rows"),
        pytest.param([(*MIDDLE, 0.24, 0)], [], id="under the floor"),
        pytest.param([(*MIDDLE, 0.25, 0)], [("a", 0.25, BOX)], id="at the floor"),
        pytest.param([(*MIDDLE, 0.5, 0), (*MIDDLE, 0.9, 0)], [("a", 0.9, BOX)], id="same class suppressed"),
        pytest.param([(*MIDDLE, 0.5, 0), (*MIDDLE, 0, 0.9)], [("b", 0.9, BOX), ("a", 0.5, BOX)], id="other class kept"),
        pytest.param([(*MIDDLE, 0.5, 0.9)], [("b", 0.9, BOX), ("a", 0.5, BOX)], id="one row of two classes"),
        pytest.param(
            [(0.7, 0.5, 0.2, 0.2, 0.5, 0), (0.3, 0.5, 0.2, 0.2, 0.5, 0), (0.9, 0.5, 0.2, 0.2, 0, 0.5)],
            [("a", 0.5, (20, 80, 20, 40)), ("a", 0.5, (60, 80, 20, 40)), ("b", 0.5, (80, 80, 20, 40))],
            id="equally sure: by class, then from the left",
        ),
        pytest.param([(0, 0, 0.2, 0.2, 0.9, 0)], [("a", 0.9, (0, 0, 10, 20))], id="clipped, left and top"),
        pytest.param([(1, 1, 0.2, 0.2, 0.9, 0)], [("a", 0.9, (90, 180, 10, 20))], id="clipped, right and bottom"),
        pytest.param([(0.5, 0.5, 9, 9, 0.9, 0)], [("a", 0.9, (0, 0, 100, 200))], id="larger than the picture"),
        pytest.param([(0.5, 0.5, 1e-6, 1e-6, 0.9, 0)], [("a", 0.9, (50, 100, 1, 1))], id="at least one pixel"),
        pytest.param([(2, 2, 0.1, 0.1, 0.9, 0)], [("a", 0.9, (99, 199, 1, 1))], id="outside"),
        pytest.param([(0.5, 0.5, np.inf, 0.1, 0.9, 0)], [], id="not finite"),
        pytest.param([(*MIDDLE, 1.01, 0)], [("a", 1.0, BOX)], id="confidence clipped"),
    ],
)
def test_reading_rows(boxes, expected):
    assert read(*boxes) == expected


def test_overlap_up_to_the_threshold_is_kept():
    boxes = [(0.4, 0.5, 0.2, 0.2, 0.9, 0), (0.5, 0.5, 0.2, 0.2, 0.8, 0)]  # a third of their union overlaps
    assert len(read(*boxes, nms_iou=0.34)) == 2
    assert len(read(*boxes, nms_iou=0.32)) == 1


def test_a_box_beyond_the_edge_does_not_suppress_another_class():
    beyond = [(2, 1, 2, 1, 0.9, 0), (-0.5, -0.25, 2, 1, 0, 0.8)]
    assert [label for label, _, _ in read(*beyond, nms_iou=0.01)] == ["a", "b"]


@needs_assets
def test_a_real_model_sees_bicycle_car_and_dog():
    engine = OpenCvEngine(find_model(ASSETS / "models" / "yolo-fastest" / "yolo-fastest-1.1-xl.cfg"))
    found = engine.detect(cv2.imread(str(ASSETS / "images" / "photos" / "dog.jpg")), min_confidence=0.5, nms_iou=0.45)
    assert {detection.label: round(detection.confidence, 2) for detection in found} == pytest.approx(
        {"dog": 0.96, "bicycle": 0.89, "car": 0.84}, abs=0.02
    )


@needs_assets
@pytest.mark.parametrize("name", ["yolo-fastest-1.1", "yolo-fastest-1.1-xl"])
def test_real_weights_have_the_length_that_their_cfg_asks_for(name):
    assert len(find_model(ASSETS / "models" / "yolo-fastest" / f"{name}.cfg").model.classes) == 80
