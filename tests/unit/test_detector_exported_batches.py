"""Pictures that an exported model looks at together."""

import numpy as np
import pytest

from services.detector.engine import Asked
from services.detector.engine.loading import load
from services.detector.models.onnx_model import find_onnx_model
from tests.unit.exported_samples import HEADS, noise, random_head


@pytest.mark.parametrize("family", HEADS)
def test_pictures_together_get_the_answers_of_each_alone(tmp_path, family):
    engine = load(find_onnx_model(random_head(tmp_path / "head.onnx", family)))
    assert engine.batch == 1  # on the processor
    asked = [
        Asked(bgr=bgr, min_confidence=0.1 + number / 10, nms_iou=0.45) for number, bgr in enumerate(noise(count=4))
    ]
    alone = [engine.detect(one.bgr, min_confidence=one.min_confidence, nms_iou=0.45) for one in asked]
    together = engine.detect_together(asked)
    assert [len(found) for found in together] == [len(found) for found in alone]
    for a, b in zip(together, alone, strict=True):
        assert [one.label for one in a] == [one.label for one in b]
        assert np.allclose([one.confidence for one in a], [one.confidence for one in b], atol=1e-5)
