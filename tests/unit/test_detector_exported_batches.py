"""Pictures that an exported model looks at together."""

import numpy as np
import pytest

from services.detector.engine.loading import load
from services.detector.engine.onnx_runtime import OnnxSession
from services.detector.models.onnx_model import find_onnx_model
from tests.unit.exported_samples import (
    CELLS,
    EVERY,
    HEADS,
    SIDE,
    ULTRALYTICS,
    WIDE,
    blank,
    constant,
    filled,
    noise,
    random_head,
)


@pytest.mark.parametrize("family", HEADS)
def test_pictures_together_get_the_answers_of_each_alone(tmp_path, family):
    engine = load(find_onnx_model(random_head(tmp_path / "head.onnx", family)))
    assert engine.batch == 1  # on the processor
    asked = [(bgr, {"min_confidence": 0.1 + number / 10, "nms_iou": 0.45}) for number, bgr in enumerate(noise(count=4))]
    alone = [engine.detect(bgr, **thresholds) for bgr, thresholds in asked]
    together = engine.detect_together([engine.prepare(bgr, **thresholds) for bgr, thresholds in asked])
    assert [len(found) for found in together] == [len(found) for found in alone]
    for a, b in zip(together, alone, strict=True):
        assert [one.label for one in a] == [one.label for one in b]
        assert np.allclose([one.confidence for one in a], [one.confidence for one in b], atol=1e-5)


@pytest.fixture
def accelerated(monkeypatch):
    """As on a device beside the processor, which no machine has that runs these tests."""
    monkeypatch.setattr(OnnxSession, "is_accelerated", True)


@pytest.mark.usefixtures("accelerated")
@pytest.mark.parametrize("family", HEADS)
def test_as_many_are_taken_together_as_the_load_has_tried(tmp_path, family):
    assert load(find_onnx_model(random_head(tmp_path / "head.onnx", family))).batch == 8


@pytest.mark.usefixtures("accelerated")
def test_a_head_for_one_picture_behind_an_open_input_gets_one_at_a_time(tmp_path, caplog):
    """Whether it fails with two, or answers as to one."""
    fails = random_head(tmp_path / "fails.onnx", "yolov8", constants={"box_shape": [1, CELLS, 4]})
    open_input = ("batch", 3, SIDE, SIDE)
    silent = constant(
        tmp_path, filled((1, 300, 6), ((0, EVERY), (24, 28, 40, 36, 0.8, 1))), ULTRALYTICS, entering=open_input
    )
    for path in (fails, silent):
        caplog.clear()
        engine = load(find_onnx_model(path))
        assert engine.batch == 1
        [record] = caplog.records
        assert record.getMessage().startswith(f"{path} is given one picture at a time, for it cannot take 8: ")
        engine.detect(blank(*WIDE), min_confidence=0.5, nms_iou=0.45)
