"""From the rows of a YOLO to detections: the same for every library and every YOLO."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.results import Detection, Rectangle

FLOOR = 0.001
"""Confidences under this are never reported."""

_MAX_CANDIDATES = 4096
"""Suppression compares all boxes with each other, so it gets only so many, the surest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """Objects that a model may have seen, one a row.

    edges: left, top, right and bottom in pixels. confidence: 0 to 1. index: of the class.
    """

    edges: NDArray[np.float32]
    confidence: NDArray[np.float32]
    index: NDArray[np.intp]

    def taken(self, which: NDArray[np.intp] | NDArray[np.bool_]) -> "Boxes":
        return Boxes(edges=self.edges[which], confidence=self.confidence[which], index=self.index[which])


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

    A row is centre x and y, width and height (relative to the picture), objectness, and one value per class, already
    multiplied by the objectness. As in Darknet and YOLOX, a row counts for every class that is sure enough.
    """
    floor = max(min_confidence, FLOOR)
    rows = rows[rows[:, 4] >= floor]  # nothing is surer than its objectness
    row, index = np.nonzero(rows[:, 5:] >= floor)
    edges = edges_of(rows[row, :4] * np.array([width, height] * 2, np.float32))
    boxes = Boxes(edges=edges, confidence=rows[row, 5 + index], index=index)
    return report(suppress(boxes, nms_iou=nms_iou), classes=classes, width=width, height=height)


def edges_of(centred: NDArray[np.float32]) -> NDArray[np.float32]:
    """Left, top, right and bottom of boxes that are given by their centre, width and height."""
    half = centred[:, 2:4] / 2
    return np.concatenate([centred[:, :2] - half, centred[:, :2] + half], axis=1).astype(np.float32, copy=False)


def suppress(boxes: Boxes, *, nms_iou: float) -> Boxes:
    """Those of the surest that no surer one of their class overlaps; greedy (`cv2.dnn.NMSBoxesBatched`)."""
    boxes = _surest(boxes)
    if not boxes.index.size:
        return boxes
    corner, size = boxes.edges[:, :2], boxes.edges[:, 2:] - boxes.edges[:, :2]
    # OpenCV keeps the classes apart by an offset that expects no negative coordinates.
    places = np.hstack([corner - corner.min(axis=0), size])
    kept = cv2.dnn.NMSBoxesBatched(places, boxes.confidence, boxes.index, 0, nms_iou)  # pyright: ignore[reportCallIssue, reportArgumentType]  (the stubs miss arrays)
    return boxes.taken(np.asarray(kept, dtype=np.intp))


def report(boxes: Boxes, *, classes: tuple[str, ...], width: int, height: int) -> tuple[Detection, ...]:
    """The surest as detections in a picture of `width` x `height` pixels: rounded, clipped, the surest first."""
    boxes = _surest(boxes)
    picture = np.array([width, height])
    confidence = np.clip(boxes.confidence, 0, 1)
    start = np.clip(np.rint(boxes.edges[:, :2]), 0, picture - 1).astype(int)
    end = np.clip(np.rint(boxes.edges[:, 2:]), start + 1, picture).astype(int)
    found = np.hstack([boxes.index[:, None], start, end - start])
    surest_first = np.lexsort((*found.T[::-1], -confidence))
    return tuple(
        Detection(
            label=classes[class_index],
            confidence=sureness,
            rectangle=Rectangle(left=left, top=top, width=across, height=down),
        )
        for (class_index, left, top, across, down), sureness in zip(
            found[surest_first].tolist(), confidence[surest_first].tolist(), strict=True
        )
    )


def _surest(boxes: Boxes) -> Boxes:
    """The surest of those that lie anywhere, the earlier one of two that are equally sure."""
    boxes = boxes.taken(np.asarray(np.isfinite(boxes.edges).all(axis=1)))
    return boxes.taken(np.argsort(-boxes.confidence, kind="stable")[:_MAX_CANDIDATES])


def weigh_classes(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows whose class values, in place, are multiplied by the objectness."""
    rows[:, 5:] *= rows[:, 4:5]
    return rows


def logistic(values: NDArray[np.float32]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return np.reciprocal(1 + np.exp(-values))
