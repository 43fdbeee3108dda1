"""Exported models that are of no known family, or answer otherwise than theirs, are refused with what was seen."""

import numpy as np
import pytest

from services.detector.engine.loading import load
from services.detector.models import ModelUnusable
from services.detector.models.onnx_model import find_onnx_model
from tests.unit.exported_samples import CELLS, CLASSIFY, EVERY, ULTRALYTICS, constant, filled


@pytest.mark.parametrize(
    ("output", "metadata", "options", "message"),
    [
        (
            (1, 4 + 3 + 32, CELLS),
            ULTRALYTICS | {"task": "segment"},
            {},
            r"answers output 1x39x84 for the task segment and names 3 classes",
        ),
        ((1, 300, 7), ULTRALYTICS | {"task": "obb"}, {}, "for the task obb"),
        ((1, 9, 9), ULTRALYTICS, {}, r"of no family that is known here\. It answers output 1x9x9"),
        ((1, 9, 9), {}, {}, "Name a detector or classifier that Ultralytics exported"),
        ((1, 7), ULTRALYTICS, {}, "of no family"),
        ((1, 4), CLASSIFY, {}, "names 3 classes and has 4"),
        (
            (1, 7, CELLS),
            ULTRALYTICS,
            {"entering": (16, 3, 64, 64)},
            "takes 16 pictures at a time: export it with batch=1",
        ),
        ((1, 7, CELLS), ULTRALYTICS, {"entering": (1, 1, 64, 64)}, "no pictures of one fixed size .*1x1x64x64"),
        (
            (1, 7, CELLS),
            ULTRALYTICS | {"imgsz": [9000, 9000]},
            {"entering": (1, 3, "h", "w")},
            "no pictures of one fixed size",
        ),
        ((1, 7, CELLS), ULTRALYTICS | {"imgsz": "[64, 64"}, {}, "a `imgsz` in its metadata that no exporter writes"),
        ((1, 7, CELLS), ULTRALYTICS | {"imgsz": "open('x')"}, {}, "a `imgsz` in its metadata"),
        ((1, 7, CELLS), ULTRALYTICS | {"names": {0: "cat", 2: "dog"}}, {}, "a `names` in its metadata"),
        ((1, 7, CELLS), ULTRALYTICS | {"names": "{0: '" + "x" * 1_000_000 + "'}"}, {}, "a `names` in its metadata"),
        ((1, 7, CELLS), ULTRALYTICS | {"names": "(" * 5_000 + ")" * 5_000}, {}, "a `names` in its metadata"),
        ((1, 7, CELLS), ULTRALYTICS | {"names": [1, 2]}, {}, "a `names` in its metadata"),
        ((1, 7, CELLS), ULTRALYTICS | {"names": "{[]: 1}"}, {}, "a `names` in its metadata"),
        ((1, 7, CELLS), ULTRALYTICS | {"names": "-" * 10_000 + "1"}, {}, "a `names` in its metadata"),
        ((1, 7, CELLS), ULTRALYTICS | {"names": "1" + "+1" * 100_000}, {}, "a `names` in its metadata"),
    ],
)
def test_what_is_not_known_is_refused_with_what_was_seen(tmp_path, output, metadata, options, message):
    path = constant(tmp_path, np.zeros(output), metadata, **options)
    with pytest.raises(ModelUnusable, match=message):
        find_onnx_model(path)


ONE = ULTRALYTICS | {"names": {0: "cat"}}


@pytest.mark.parametrize(
    ("output", "metadata", "message"),
    [
        (filled((1, 300, 6), ((0, EVERY), (24, 28, 40, 36, 0.8, 7))), ULTRALYTICS, "answers with class 7, but names 3"),
        (
            filled((1, 7, CELLS), ((EVERY, 5), (32, 32, 16, 8, 5, -3, 1))),
            ULTRALYTICS,
            "scores from 0 to 5, not from 0 to 1",
        ),
        (filled((1, 300, 6), ((0, EVERY), (0.5, 0.5, 0.2, 0.2, 0.8, 1))), ULTRALYTICS, "boxes relative to its input"),
        (filled((1, 4 * CELLS, 6), ((0, EVERY), (32, 32, 16, 8, 0.8, 0.4))), ONE, "with class 0.4, no whole number"),
        (
            filled((1, 3 * CELLS, 6), ((0, EVERY), (24, 28, 40, 36, 0.8, 0))),
            ONE,
            "252 boxes of six numbers, as many as a YOLOv5 .*max_det=251",
        ),
    ],
)
def test_what_answers_otherwise_than_its_family_is_not_loaded(tmp_path, output, metadata, message):
    with pytest.raises(ModelUnusable, match=message):
        load(find_onnx_model(constant(tmp_path, output, metadata)))


def test_a_provider_that_is_not_installed_is_refused_with_those_that_are(tmp_path):
    files = find_onnx_model(constant(tmp_path, np.zeros((1, 7, CELLS)), ULTRALYTICS))
    with pytest.raises(ModelUnusable, match=r"names npu, but the ONNX Runtime that is installed has .*cpu"):
        load(files, providers=["npu"])
    assert load(files, providers=["CPU"]).model == files.model
