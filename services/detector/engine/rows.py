"""From the rows of a YOLO to detections: the same for every library and every YOLO."""

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.results import Detection, Rectangle

FLOOR = 0.001
"""Confidences under this are never reported."""

_MAX_CANDIDATES = 4096
"""Suppression compares all boxes with each other, so it gets only so many, the surest ones."""


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
    Suppression is greedy and per class (`cv2.dnn.NMSBoxesBatched`).
    """
    picture = np.array([width, height])
    floor = max(min_confidence, FLOOR)
    rows = rows[(rows[:, 4] >= floor) & np.isfinite(rows[:, :4]).all(axis=1)]  # nothing is surer than its objectness
    row, index = np.nonzero(rows[:, 5:] >= floor)
    if not row.size:
        return ()
    surest = np.argsort(-rows[row, 5 + index], kind="stable")[:_MAX_CANDIDATES]
    row, index = row[surest], index[surest]
    confidence = np.clip(rows[row, 5 + index], 0, 1)
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


def weigh_classes(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows whose class values, in place, are multiplied by the objectness."""
    rows[:, 5:] *= rows[:, 4:5]
    return rows


def logistic(values: NDArray[np.float32]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return np.reciprocal(1 + np.exp(-values))
