"""Models as exporters write them, small: their metadata, heads that answer the same to any picture, and random ones."""

import numpy as np
from onnx import helper

from services.detector.engine.loading import load
from services.detector.models.onnx_model import find_onnx_model
from tests.unit.onnx_samples import write_constant_model, write_random_head

SIDE = 64
CELLS = 8 * 8 + 4 * 4 + 2 * 2
NAMES = {0: "cat", 1: "dog", 2: "cow"}
YOLOV5 = {"stride": 32, "names": NAMES}
ULTRALYTICS = {
    "description": "Ultralytics YOLO11n model trained on coco.yaml",
    "task": "detect",
    "stride": 32,
    "batch": 1,
    "imgsz": [SIDE, SIDE],
    "names": NAMES,
    "args": {"batch": 1, "nms": False},
}
RT_DETR = ULTRALYTICS | {"description": "Ultralytics rtdetr-l model "}
RT_DETR_2026 = ULTRALYTICS | {"head": "RTDETRDecoder", "end2end": False}
CLASSIFY = {"task": "classify", "imgsz": [8, 8], "names": NAMES}

EVERY = slice(None)
WIDE = (64, 128)
"""Half as large in the input: letterboxed it has 16 gray rows above and below."""
LETTERBOXED = (48, 24, 32, 16)
"""What is at 24 to 40 and 28 to 36 in the input."""
STRETCHED = (48, 28, 32, 8)


def texts(metadata):
    return {key: str(value) for key, value in metadata.items()}


def constant(tmp_path, output, metadata, **options):
    return write_constant_model(tmp_path / "some.onnx", output, metadata=texts(metadata), **options)


def filled(shape, *places):
    """Zeros of a shape, but for some rows of it (or columns, given as a slice)."""
    output = np.zeros(shape, np.float32)
    for place, numbers in places:
        output[(0, *place)] = numbers
    return output


def found_by(path, bgr, **thresholds):
    thresholds = {"min_confidence": 0.25, "nms_iou": 0.45} | thresholds
    return [
        (d.label, round(d.confidence, 3), (d.rectangle.left, d.rectangle.top, d.rectangle.width, d.rectangle.height))
        for d in load(find_onnx_model(path)).detect(bgr, **thresholds)
    ]


def blank(height, width):
    return np.zeros((height, width, 3), np.uint8)


def joined(*names, axis=2, output="output"):
    return helper.make_node("Concat", list(names), [output], axis=axis)


IN_PIXELS = [helper.make_node("Mul", ["boxes", "side"], ["scaled"])]
TO_OUTPUT = [helper.make_node("Identity", ["output"], ["output0"])]
RANKING = [
    helper.make_node("ReduceMax", ["scores"], ["score"], axes=[2], keepdims=1),
    helper.make_node("ArgMax", ["scores"], ["label"], axis=2, keepdims=1),
    helper.make_node("Cast", ["label"], ["class"], to=1),
]
EDGES = [
    *IN_PIXELS,
    helper.make_node("Slice", ["scaled", "zero", "two", "axis"], ["start"]),
    helper.make_node("Slice", ["scaled", "two", "four", "axis"], ["size"]),
    helper.make_node("Add", ["start", "size"], ["end"]),
]
HEADS = {
    "yolov8": (
        CELLS,
        3,
        [
            *IN_PIXELS,
            joined("scaled", "scores"),
            helper.make_node("Transpose", ["output"], ["output0"], perm=[0, 2, 1]),
        ],
        ["batch", 7, CELLS],
        ULTRALYTICS,
    ),
    "yolov5": (3 * CELLS, 4, [*IN_PIXELS, joined("scaled", "scores"), *TO_OUTPUT], ["batch", 3 * CELLS, 8], YOLOV5),
    "end-to-end": (
        300,
        3,
        [*RANKING, *EDGES, joined("start", "end", "score", "class"), *TO_OUTPUT],
        ["batch", 300, 6],
        ULTRALYTICS,
    ),
    "rt-detr": (300, 3, [joined("boxes", "scores"), *TO_OUTPUT], ["batch", 300, 7], RT_DETR),
    "ranked": (300, 3, [*RANKING, joined("boxes", "score", "class"), *TO_OUTPUT], ["batch", 300, 6], RT_DETR_2026),
}


def random_head(path, family, *, constants=None, **options):
    boxes, classes, nodes, leaving, metadata = HEADS[family]
    constants = {"side": np.float32(SIDE), "zero": [0], "two": [2], "four": [4], "axis": [2]} | (constants or {})
    return write_random_head(path, (boxes, classes, nodes, constants, leaving), metadata=metadata, **options)


def noise(*, count=6):
    dice = np.random.default_rng(7)
    for number in range(count):
        coarse = dice.integers(0, 256, (dice.integers(2, 12), dice.integers(2, 12), 3), np.uint8)
        yield coarse.repeat(9 + number, axis=0).repeat(11, axis=1)
