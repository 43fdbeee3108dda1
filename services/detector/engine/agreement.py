"""Whether a converted model sees what the Darknet model sees: all its boxes, before any are suppressed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.detector.engine.darknet_onnx import DarknetOnnxEngine
from services.detector.engine.opencv_dnn import OpenCvEngine
from services.detector.engine.rows import FLOOR
from services.detector.models import ModelFiles

MAX_SCORE = 1e-3
"""The largest difference of confidences."""

MAX_PIXELS = 1.0
"""The largest difference of a box's edges, in pixels of the model's input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far two engines differ at most, over all boxes of all pictures.

    score: of any class of any box. pixels: of any edge, within the picture. boxes: how many were compared.
    """

    score: float
    pixels: float
    boxes: int

    @property
    def holds(self) -> bool:
        return self.boxes > 0 and self.score <= MAX_SCORE and self.pixels <= MAX_PIXELS


def compare(darknet: ModelFiles, onnx: Path, pictures: Iterable[NDArray[np.uint8]]) -> Agreement:
    """Run a Darknet model in OpenCV and its conversion in ONNX Runtime. Raises ModelUnusable where either cannot."""
    opencv = OpenCvEngine(darknet, floor=0)
    runtime = DarknetOnnxEngine(replace(darknet, weights=onnx, cfg=None))
    size = np.array([darknet.model.input_width, darknet.model.input_height] * 2)
    agreement = Agreement(score=0, pixels=0, boxes=0)
    for picture in pictures:
        agreement = _worse(agreement, _differ(opencv.rows(picture), runtime.rows(picture, floor=0), size))
    return agreement


def sample_pictures(width: int, height: int, *, count: int = 8) -> Iterable[NDArray[np.uint8]]:
    """Pictures to compare on if none are given: noise of every grain and contrast, the same each time."""
    random = np.random.default_rng(0)
    for number in range(count):
        grain = 2 ** (number % 4 + 2)
        coarse = random.integers(0, 256, (height // grain + 1, width // grain + 1, 3), np.uint8)
        yield np.ascontiguousarray(coarse.repeat(grain, axis=0).repeat(grain, axis=1)[:height, :width])


def _differ(a: NDArray[np.float32], b: NDArray[np.float32], size: NDArray[np.intp]) -> Agreement:
    if a.shape != b.shape:
        return Agreement(score=1, pixels=float("inf"), boxes=len(a))
    # If the model is sure of no box, all its boxes are compared: nothing else shows a wrong layer.
    sure = np.maximum(a[:, 4], b[:, 4]) >= FLOOR
    shown = sure if sure.any() else np.ones_like(sure)
    edges = np.abs(_edges(a[shown]) - _edges(b[shown])) * size
    return Agreement(score=float(np.abs(a[:, 4:] - b[:, 4:]).max()), pixels=float(edges.max()), boxes=int(shown.sum()))


def _edges(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Left, top, right and bottom, relative to the picture and within it."""
    half = rows[:, 2:4] / 2
    return np.hstack([rows[:, :2] - half, rows[:, :2] + half]).clip(0, 1)


def _worse(left: Agreement, right: Agreement) -> Agreement:
    """The larger differences. NumPy's maximum keeps NaN, which is within no limit."""
    return Agreement(
        score=float(np.maximum(left.score, right.score)),
        pixels=float(np.maximum(left.pixels, right.pixels)),
        boxes=left.boxes + right.boxes,
    )
