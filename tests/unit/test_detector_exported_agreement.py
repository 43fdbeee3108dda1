"""Exported models answer as a plain decoder does: one box at a time, as the authors' own predictors do it.

ultralytics/models/yolo/detect/predict.py, ultralytics/models/rtdetr/predict.py, yolov5/detect.py.
"""

from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

from services.detector.engine.loading import load
from services.detector.models import ModelUnusable, resolve
from services.detector.models.onnx_model import find_onnx_model
from tests.unit.exported_samples import HEADS, NAMES, SIDE, noise, random_head

ASSETS = Path(__file__).parents[3] / "shared" / "assets"
needs_assets = pytest.mark.skipif(not ASSETS.is_dir(), reason=f"the test assets are not at {ASSETS}")


def plain(outputs, family, bgr, names, *, confidence, iou):
    height, width = bgr.shape[:2]
    scale = min(SIDE / width, SIDE / height)
    left, top = round((SIDE - round(width * scale)) / 2 - 0.1), round((SIDE - round(height * scale)) / 2 - 0.1)

    def unboxed(x, y):
        return (x - left) / scale, (y - top) / scale

    found = []
    for row in (outputs.T if family == "yolov8" else outputs).tolist():
        x, y, w, h = row[:4]
        scores = [score * row[4] for score in row[5:]] if family == "yolov5" else row[4:]
        score = max(scores)
        label = scores.index(score)
        if family in ("end-to-end", "ranked"):
            label, score = int(row[5]), row[4]
        if family == "end-to-end":
            start, end = unboxed(x, y), unboxed(w, h)
        elif family in ("rt-detr", "ranked"):
            start, end = ((x - w / 2) * width, (y - h / 2) * height), ((x + w / 2) * width, (y + h / 2) * height)
        else:
            start, end = unboxed(x - w / 2, y - h / 2), unboxed(x + w / 2, y + h / 2)
        if score >= confidence:
            found.append((score, names[label], (*start, *end)))
    found.sort(key=lambda one: -one[0])
    if family in ("yolov5", "yolov8"):
        kept = []
        for one in found:
            if not any(one[1] == other[1] and overlap(one[2], other[2]) > iou for other in kept):
                kept.append(one)
        found = kept
    return [
        (score, name, [min(max(v, 0), (width, height)[i % 2]) for i, v in enumerate(box)]) for score, name, box in found
    ]


def overlap(a, b):
    across = min(a[2], b[2]) - max(a[0], b[0])
    down = min(a[3], b[3]) - max(a[1], b[1])
    if across <= 0 or down <= 0:
        return 0
    both = across * down
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def plainly_fed(bgr, family):
    if family in ("rt-detr", "ranked"):
        resized = cv2.resize(bgr, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    else:
        height, width = bgr.shape[:2]
        scale = min(SIDE / width, SIDE / height)
        across, down = round(width * scale), round(height * scale)
        dw, dh = (SIDE - across) / 2, (SIDE - down) / 2
        resized = cv2.copyMakeBorder(
            cv2.resize(bgr, (across, down), interpolation=cv2.INTER_LINEAR),
            round(dh - 0.1),
            round(dh + 0.1),
            round(dw - 0.1),
            round(dw + 0.1),
            cv2.BORDER_CONSTANT,
            value=(114, 114, 114),
        )
    return np.ascontiguousarray(resized[:, :, ::-1].transpose(2, 0, 1), np.float32)[None] / 255


def assert_agrees(path, family, pictures, *, confidence=0.25, iou=0.45):
    engine = load(resolve(str(path), cache=path.parent))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    compared = 0
    for bgr in pictures:
        [outputs] = session.run(None, {"images": plainly_fed(bgr, family)})
        expected = plain(outputs[0], family, bgr, list(NAMES.values()), confidence=confidence, iou=iou)
        found = engine.detect(bgr, min_confidence=confidence, nms_iou=iou)
        assert len(found) == len(expected)
        left = list(expected)
        for one in found:
            place = one.rectangle
            edges = (place.left, place.top, place.left + place.width, place.top + place.height)
            match = next(
                (
                    other
                    for other in left
                    if other[1] == one.label
                    and abs(other[0] - one.confidence) <= 1e-3
                    and max(abs(a - b) for a, b in zip(other[2], edges, strict=True)) <= 1
                ),
                None,
            )
            assert match is not None, (one, expected)
            left.remove(match)
        compared += len(found)
    return compared


@pytest.mark.parametrize("family", HEADS)
def test_it_agrees_with_a_plain_decoder_on_noise(tmp_path, family):
    assert assert_agrees(random_head(tmp_path / "head.onnx", family), family, noise()) > 20


@pytest.mark.parametrize("family", HEADS)
def test_a_model_that_takes_any_size_is_taken_at_the_one_it_was_exported_for(tmp_path, family):
    """`dynamic=True` leaves open even sizes that never change; YOLOv5 does not even say for which size it exported."""
    path = random_head(tmp_path / "head.onnx", family, is_open=True)
    if family == "yolov5":
        with pytest.raises(ModelUnusable, match="no pictures of one fixed size"):
            find_onnx_model(path)
    else:
        assert assert_agrees(path, family, noise(count=2)) > 5


@needs_assets
@pytest.mark.parametrize("family", HEADS)
def test_it_agrees_with_a_plain_decoder_on_128_photographs(tmp_path, family):
    photographs = sorted((ASSETS / "images" / "coco_val128").glob("*.jpg"))
    assert len(photographs) == 128
    path = random_head(tmp_path / "head.onnx", family)
    assert assert_agrees(path, family, (cv2.imread(str(one)) for one in photographs), confidence=0.6) > 100
