"""YOLOX models with raw heads, on ONNX Runtime."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.detector.engine.onnx_runtime import OnnxSession
from services.detector.engine.pictures import Placement, prepare
from services.detector.engine.rows import FLOOR, logistic, read_rows, weigh_classes
from services.detector.models import Model, ModelFiles, ModelUnusable
from services.detector.models.heads import YOLOX_STRIDES
from shared.results import Detection


class YoloxEngine:
    """Decodes the heads as YOLOX's own `demo_postprocess` does (yolox/utils/demo_utils.py)."""

    def __init__(self, files: ModelFiles, *, threads: int = 1, providers: Sequence[str] = ()) -> None:
        """Load the model and warm it up. Raises ModelUnusable where ONNX Runtime cannot run it."""
        self._model = files.model
        self._pixels = files.pixels
        self._session = OnnxSession(files, threads=threads, providers=providers)
        self._cells, self._strides = _grid(files.model.input_width, files.model.input_height)
        height, width = files.model.input_height, files.model.input_width
        heads, _ = self._heads(np.zeros((height, width, 3), np.uint8))
        # Some exports leave the last sigmoid out; an empty picture then gives what no likelihood can be.
        self._has_logits = bool(heads[:, 4:].min() < 0 or heads[:, 4:].max() > 1)
        # Others decode in the graph: centres then lie all over the input, not within a few cells of their own.
        if heads[:, :2].max() > max(YOLOX_STRIDES):
            raise ModelUnusable(f"{files.weights} gives boxes that are decoded already: export it with raw heads")

    @property
    def model(self) -> Model:
        return self._model

    def detect(self, bgr: NDArray[np.uint8], *, min_confidence: float, nms_iou: float) -> tuple[Detection, ...]:
        height, width = bgr.shape[:2]
        heads, placement = self._heads(bgr)
        picture = np.array([width * placement.scale_x, height * placement.scale_y], np.float32)
        return read_rows(
            self._rows(heads, picture, floor=max(min_confidence, FLOOR)),
            classes=self._model.classes,
            width=width,
            height=height,
            min_confidence=min_confidence,
            nms_iou=nms_iou,
        )

    def _heads(self, bgr: NDArray[np.uint8]) -> tuple[NDArray[np.float32], Placement]:
        """For each cell: x and y within it, logarithms of width and height in cells, objectness, classes."""
        model = self._model
        blob, placement = prepare(
            bgr, width=model.input_width, height=model.input_height, pixels=self._pixels, resize="corner"
        )
        return next(iter(self._session.run(blob).values()))[0], placement

    def _rows(self, heads: NDArray[np.float32], picture: NDArray[np.float32], *, floor: float) -> NDArray[np.float32]:
        """Rows as `read_rows` takes them, of the cells that are sure enough; `picture` is its size in the input."""
        objectness = logistic(heads[:, 4]) if self._has_logits else heads[:, 4]
        sure = np.flatnonzero(objectness >= floor)
        rows = heads[sure]
        if self._has_logits:
            rows[:, 4:] = logistic(rows[:, 4:])
        strides = self._strides[sure]
        with np.errstate(over="ignore"):
            rows[:, :2] = (rows[:, :2] + self._cells[sure]) * strides / picture
            rows[:, 2:4] = np.exp(rows[:, 2:4]) * strides / picture
        return weigh_classes(rows)


def _grid(width: int, height: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """For each row of the heads: x and y of its cell, and the pixels of the input to a cell."""
    cells: list[NDArray[np.float32]] = []
    strides: list[NDArray[np.float32]] = []
    for stride in YOLOX_STRIDES:
        down, across = np.mgrid[: height // stride, : width // stride]
        cells.append(np.stack([across.ravel(), down.ravel()], axis=1).astype(np.float32))
        strides.append(np.full((down.size, 1), stride, np.float32))
    return np.concatenate(cells), np.concatenate(strides)
