"""Darknet models that were converted to ONNX, on ONNX Runtime."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.detector.engine.onnx_runtime import OnnxSession
from services.detector.engine.pictures import stretch
from services.detector.engine.rows import FLOOR, logistic, read_rows, weigh_classes
from services.detector.models import Model, ModelFiles, ModelUnusable
from services.detector.models.onnx_model import METADATA_KEY
from shared.results import Detection

_BEFORE_CLASSES = 5  # numbers of a row: its box and its objectness


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """A YOLO layer: its anchors as n x 2 (relative to the input), and how its numbers are meant."""

    anchors: NDArray[np.float32]
    scale_x_y: float
    new_coords: bool


class DarknetOnnxEngine:
    """Decodes the YOLO layers as OpenCV's region layer does (modules/dnn/src/layers/region_layer.cpp)."""

    def __init__(self, files: ModelFiles, *, threads: int = 1, providers: Sequence[str] = ()) -> None:
        """Load the model and warm it up. Raises ModelUnusable where ONNX Runtime cannot run it."""
        self._model = files.model
        self._pixels = files.pixels
        self._session = OnnxSession(files, threads=threads, providers=providers)
        try:
            self._heads = _read_heads(self._session.metadata[METADATA_KEY], files.model)
            rows = self.rows(np.zeros((files.model.input_height, files.model.input_width, 3), np.uint8), floor=0)
        except (LookupError, ValueError, TypeError) as error:
            raise ModelUnusable(f"{files.weights} was converted by another version: convert it again") from error
        if rows.shape[1] != _BEFORE_CLASSES + len(files.model.classes):
            raise ModelUnusable(f"{files.weights} has another number of classes than of names: convert it again")

    @property
    def model(self) -> Model:
        return self._model

    def detect(self, bgr: NDArray[np.uint8], *, min_confidence: float, nms_iou: float) -> tuple[Detection, ...]:
        height, width = bgr.shape[:2]
        return read_rows(
            self.rows(bgr, floor=max(min_confidence, FLOOR)),
            classes=self._model.classes,
            width=width,
            height=height,
            min_confidence=min_confidence,
            nms_iou=nms_iou,
        )

    def rows(self, bgr: NDArray[np.uint8], *, floor: float) -> NDArray[np.float32]:
        """The rows of the YOLO layers with at least this objectness, as `read_rows` takes them."""
        model = self._model
        blob = stretch(bgr, width=model.input_width, height=model.input_height, pixels=self._pixels)
        outputs = self._session.run(blob).values()
        return np.concatenate(
            [_decode(output[0], head, floor) for output, head in zip(outputs, self._heads, strict=True)]
        )


def _read_heads(metadata: str, model: Model) -> list[_Head]:
    size = np.array([model.input_width, model.input_height], np.float32)
    return [
        _Head(
            anchors=np.array(head["anchors"], np.float32).reshape(-1, 2) / size,
            scale_x_y=head["scale_x_y"],
            new_coords=head["new_coords"],
        )
        for head in json.loads(metadata)["heads"]
    ]


def _decode(output: NDArray[np.float32], head: _Head, floor: float) -> NDArray[np.float32]:
    """Rows from what leaves the convolution before a YOLO layer: (anchors x (5 + classes)) x height x width."""
    anchors = len(head.anchors)
    _, down, across = output.shape
    values = output.reshape(anchors, -1, down, across)
    objectness = values[:, 4] if head.new_coords else logistic(values[:, 4])
    y, x, anchor = np.nonzero(objectness.transpose(1, 2, 0) >= floor)  # in OpenCV's order
    rows = values[anchor, :, y, x]
    if not head.new_coords:
        rows[:, [0, 1]] = logistic(rows[:, [0, 1]])
        rows[:, 4:] = logistic(rows[:, 4:])
    centre = rows[:, :2] * head.scale_x_y - (head.scale_x_y - 1) / 2
    rows[:, :2] = (centre + np.stack([x, y], axis=1)) / (across, down)
    with np.errstate(over="ignore"):
        rows[:, 2:4] = head.anchors[anchor] * ((rows[:, 2:4] * 2) ** 2 if head.new_coords else np.exp(rows[:, 2:4]))
    return weigh_classes(rows)
