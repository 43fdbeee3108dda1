"""Darknet models on OpenCV's DNN module."""

import re

import cv2
import numpy as np
from numpy.typing import NDArray

from services.detector.models import Model, ModelFiles, ModelUnusable
from shared.detection import Detection, Rectangle

_FLOOR = 0.001
"""Confidences under this are never reported. OpenCV's own floor, unless the cfg sets one, is 0.2."""


class OpenCvEngine:
    """One `cv2.dnn.Net` of its own: a Net that is shared between threads answers wrongly."""

    def __init__(self, files: ModelFiles) -> None:
        """Load the model and warm it up. Raises ModelUnusable where OpenCV cannot run it."""
        self._model = files.model
        try:
            cfg = _with_floor(files.cfg.read_text(encoding="utf-8")).encode()
            self._net = cv2.dnn.readNetFromDarknet(
                np.frombuffer(cfg, np.uint8),
                np.fromfile(files.weights, np.uint8),
            )
            self._outputs = self._net.getUnconnectedOutLayersNames()
            self._forward(np.zeros((files.model.input_height, files.model.input_width, 3), np.uint8))
        except (cv2.error, OSError) as error:
            raise ModelUnusable(f"OpenCV cannot run {files.cfg}: {error}") from error

    @property
    def model(self) -> Model:
        return self._model

    def detect(self, bgr: NDArray[np.uint8], *, min_confidence: float, nms_iou: float) -> tuple[Detection, ...]:
        height, width = bgr.shape[:2]
        return read_rows(
            self._forward(bgr),
            classes=self._model.classes,
            width=width,
            height=height,
            min_confidence=min_confidence,
            nms_iou=nms_iou,
        )

    def _forward(self, bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        size = (self._model.input_width, self._model.input_height)
        self._net.setInput(cv2.dnn.blobFromImage(bgr, 1 / 255, size, swapRB=True))
        rows: tuple[NDArray[np.float32], ...] = self._net.forward(self._outputs)  # pyright: ignore[reportAssignmentType]  (the stubs miss that a list of names yields arrays)
        return np.concatenate(rows)


def read_rows(
    rows: NDArray[np.float32],
    *,
    classes: tuple[str, ...],
    width: int,
    height: int,
    min_confidence: float,
    nms_iou: float,
) -> tuple[Detection, ...]:
    """Detections in a picture of `width` x `height` pixels from the rows of YOLO layers, as `Engine.detect` promises.

    A row is centre x and y, width and height (relative to the picture), objectness, and one value per class that OpenCV
    has already multiplied by the objectness. As in Darknet, a row counts for every class that is sure enough.
    Suppression is greedy and per class (`cv2.dnn.NMSBoxesBatched`).
    """
    picture = np.array([width, height])
    floor = max(min_confidence, _FLOOR)
    rows = rows[(rows[:, 4] >= floor) & np.isfinite(rows[:, :4]).all(axis=1)]  # nothing is surer than its objectness
    confidences = rows[:, 5:]
    row, index = np.nonzero(confidences >= floor)
    if not row.size:
        return ()
    confidence = np.clip(confidences[row, index], 0, 1)
    size = rows[row, 2:4] * picture
    corner = rows[row, :2] * picture - size / 2
    # OpenCV keeps the classes apart by an offset that expects no negative coordinates.
    boxes = np.hstack([corner - corner.min(axis=0), size])
    kept = np.asarray(cv2.dnn.NMSBoxesBatched(boxes, confidence, index, 0, nms_iou), dtype=np.intp)  # pyright: ignore[reportCallIssue, reportArgumentType]  (the stubs miss arrays)

    start = np.clip(np.rint(corner[kept]), 0, picture - 1).astype(int)
    end = np.clip(np.rint((corner + size)[kept]), start + 1, picture).astype(int)
    found = np.hstack([index[kept, None], start, end - start])
    surest_first = np.lexsort((*found.T[::-1], -confidence[kept]))
    return tuple(
        Detection(
            label=classes[class_index],
            confidence=sureness,
            rectangle=Rectangle(left=left, top=top, width=across, height=down),
        )
        for (class_index, left, top, across, down), sureness in zip(
            found[surest_first].tolist(), confidence[kept][surest_first].tolist(), strict=True
        )
    )


def _with_floor(cfg: str) -> str:
    """The cfg with `thresh`, the confidence floor of its detection layers, set to ours."""
    bare = re.sub(r"(?m)^\s*thresh\s*=.*$", "", cfg)
    return re.sub(r"(?m)^\s*\[(yolo|region)\].*$", rf"[\1]\nthresh={_FLOOR}", bare)
