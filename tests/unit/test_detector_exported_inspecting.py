"""`quorate models inspect` on exported models."""

import numpy as np
import pytest

from services.detector import manage
from tests.unit.exported_samples import CELLS, ULTRALYTICS, constant


def test_inspect_says_what_a_file_is(tmp_path, capsys):
    path = constant(tmp_path, np.zeros((1, 7, CELLS)), ULTRALYTICS | {"names": {0: "c\x1bat", 1: "dog", 2: "cow"}})
    assert manage.main(["inspect", str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "family   yolov8: YOLOv8, v9, 11 or 12, boxes without objectness",
        "input    64 x 64: the picture keeps its proportions, in the middle, with gray around it",
        "pixels   RGB, (byte - 0) / 255",
        "classes  3: 'c\\x1bat'; dog; cow",
        "answers  a class, a confidence and a rectangle for each object, overlapping ones suppressed here by `nms`",
    ]


@pytest.mark.parametrize("cut", [0, 10, 0.5, 0.98])
def test_inspect_says_why_a_file_cannot_be_used(tmp_path, capsys, cut):
    path = constant(tmp_path, np.zeros((1, 7, CELLS)), ULTRALYTICS)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(cut if cut >= 1 else len(whole) * cut)])
    assert manage.main(["inspect", str(path)]) == 1
    said = capsys.readouterr()
    assert (said.out, "some.onnx is no ONNX model" in said.err, "fetch it again" in said.err) == ("", True, True)
