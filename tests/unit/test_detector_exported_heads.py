"""Detectors and classifiers as others export them: told by their files alone, decoded as their authors decode them."""

import numpy as np
import pytest

from services.detector.models.onnx_model import find_onnx_model
from tests.unit.exported_samples import (
    CELLS,
    EVERY,
    LETTERBOXED,
    RT_DETR,
    RT_DETR_2026,
    SIDE,
    STRETCHED,
    ULTRALYTICS,
    WIDE,
    YOLOV5,
    blank,
    constant,
    filled,
    found_by,
)
from tests.unit.onnx_samples import write_labelled_model

BY_HAND = [
    pytest.param(
        filled((1, 7, CELLS), ((EVERY, 5), (32, 32, 16, 8, 0.1, 0.8, 0.2))),
        ULTRALYTICS,
        "yolov8",
        0.8,
        LETTERBOXED,
        id="YOLOv8 to 12",
    ),
    pytest.param(
        filled((1, 3 * CELLS, 8), ((5, EVERY), (32, 32, 16, 8, 0.9, 0.1, 0.8, 0.2))),
        YOLOV5,
        "yolov5",
        0.72,
        LETTERBOXED,
        id="YOLOv5",
    ),
    pytest.param(
        filled((1, 300, 6), ((0, EVERY), (24, 28, 40, 36, 0.8, 1))),
        ULTRALYTICS,
        "end-to-end",
        0.8,
        LETTERBOXED,
        id="YOLOv10, 26, nms=True",
    ),
    pytest.param(
        filled((1, 300, 7), ((9, EVERY), (0.5, 0.5, 0.25, 0.125, 0.1, 0.8, 0.2))),
        RT_DETR,
        "rt-detr",
        0.8,
        STRETCHED,
        id="RT-DETR until 2026",
    ),
    pytest.param(
        filled((1, 300, 6), ((9, EVERY), (0.5, 0.5, 0.25, 0.125, 0.8, 1))),
        RT_DETR_2026,
        "rt-detr",
        0.8,
        STRETCHED,
        id="RT-DETR since 2026",
    ),
]


@pytest.mark.parametrize(("output", "metadata", "family", "confidence", "rectangle"), BY_HAND)
def test_each_head_is_told_and_decoded(tmp_path, output, metadata, family, confidence, rectangle):
    path = constant(tmp_path, output, metadata)
    model = find_onnx_model(path).model
    assert (model.family, model.classes) == (family, ("cat", "dog", "cow"))
    assert (model.input_width, model.input_height) == (SIDE, SIDE)
    assert found_by(path, blank(*WIDE)) == [("dog", round(confidence, 3), rectangle)]


ONE = ULTRALYTICS | {"names": {0: "cat"}}
SIZES = [(192, 320), (160, 384), (64, 64), (320, 320), (640, 640), (1280, 1280)]


@pytest.mark.parametrize("max_det", [100, 300, 1_000, 2_000, 3_000])
@pytest.mark.parametrize("size", SIZES)
def test_one_class_chosen_by_the_graph_is_no_yolov5(tmp_path, size, max_det):
    """Its box has six numbers too, and the grids of a YOLO of some size have 100, 500 and so on cells together."""
    output = filled((1, max_det, 6), ((0, EVERY), (24, 28, 40, 36, 0.8, 0)))
    path = constant(tmp_path, output, ONE, entering=(1, 3, *size))
    assert find_onnx_model(path).model.family == "end-to-end"
    assert found_by(path, blank(*size)) == [("cat", 0.8, (24, 28, 16, 8))]


@pytest.mark.parametrize("strides", [(8, 16, 32), (16, 32), (4, 8, 16, 32), (8, 16, 32, 64)])
@pytest.mark.parametrize("size", SIZES)
def test_one_class_of_a_yolov5_is_told_by_its_number_of_boxes(tmp_path, size, strides):
    cells = sum((size[0] // stride) * (size[1] // stride) for stride in strides)
    output = filled((1, 3 * cells, 6), ((0, EVERY), (32, 32, 16, 8, 0.8, 1)))
    path = constant(tmp_path, output, YOLOV5 | {"names": {0: "cat"}}, entering=(1, 3, *size))
    assert find_onnx_model(path).model.family == "yolov5"
    assert found_by(path, blank(*size)) == [("cat", 0.8, (24, 28, 16, 8))]


def test_a_yolov5_may_have_another_number_of_anchors(tmp_path):
    output = filled((1, 5 * 2100, 6), ((0, EVERY), (32, 32, 16, 8, 0.8, 1)))
    path = constant(tmp_path, output, YOLOV5 | {"names": {0: "cat"}}, entering=(1, 3, 320, 320))
    assert found_by(path, blank(320, 320)) == [("cat", 0.8, (24, 28, 16, 8))]


def test_an_rt_detr_of_its_authors(tmp_path):
    path = write_labelled_model(
        tmp_path / "some.onnx", labels=[1, 0], boxes=[[0.375, 0.4375, 0.625, 0.5625], [0, 0, 1, 1]], scores=[0.8, 0.1]
    )
    path.with_suffix(".names").write_text("cat\ndog\ncow\n")
    assert find_onnx_model(path).model.family == "rt-detr"
    assert found_by(path, blank(*WIDE)) == [("dog", 0.8, STRETCHED)]


@pytest.mark.parametrize("is_ranked", [True, False])
def test_an_rt_detr_of_two_classes_answers_six_numbers_in_either_case(tmp_path, is_ranked):
    numbers = (0.8, 1) if is_ranked else (0.1, 0.8)
    rows = np.full((1, 300, 6), 0 if is_ranked else 0.01, np.float32)
    rows[0, 9] = (0.5, 0.5, 0.25, 0.125, *numbers)
    path = constant(tmp_path, rows, RT_DETR | {"names": {0: "cat", 1: "dog"}})
    assert found_by(path, blank(*WIDE)) == [("dog", 0.8, STRETCHED)]


@pytest.mark.parametrize(
    ("output", "metadata", "kept"),
    [
        (
            filled((1, 7, CELLS), *[((EVERY, i), (32 + i, 32, 16, 16, 0.8 - i / 10, 0, 0)) for i in range(2)]),
            ULTRALYTICS,
            1,
        ),
        (filled((1, 300, 6), *[((i, EVERY), (24 + i, 24, 40 + i, 40, 0.8, 0)) for i in range(2)]), ULTRALYTICS, 2),
        (filled((1, 300, 7), *[((i, EVERY), (0.5, 0.5, 0.2, 0.2, 0.8, 0, 0)) for i in range(2)]), RT_DETR, 2),
    ],
    ids=["outside", "inside", "none needed"],
)
def test_boxes_are_suppressed_where_the_graph_has_not_done_it(tmp_path, output, metadata, kept):
    assert len(found_by(constant(tmp_path, output, metadata), blank(64, 64))) == kept


def test_a_box_counts_for_its_surest_class_alone(tmp_path):
    path = constant(tmp_path, filled((1, 7, CELLS), ((EVERY, 5), (32, 32, 16, 8, 0.7, 0.8, 0.6))), ULTRALYTICS)
    assert [label for label, _, _ in found_by(path, blank(64, 64))] == ["dog"]


def test_names_of_a_file_beside_count_where_the_model_has_none(tmp_path):
    path = constant(tmp_path, filled((1, 300, 6), ((0, EVERY), (24, 28, 40, 36, 0.8, 1))), {})
    path.with_suffix(".names").write_text("red\ngreen\nblue\n")
    assert [label for label, _, _ in found_by(path, blank(64, 64))] == ["green"]
