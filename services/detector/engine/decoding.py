"""What the heads of exported detectors say, as boxes in pixels of the input.

All functions take the numbers of one picture, without the batch's axis, and give the boxes that are at least as sure as
`floor`. A box counts for its surest class alone, as in `yolo predict`.
"""

import numpy as np
from numpy.typing import NDArray

from services.detector.engine.rows import Boxes, edges_of

RANKED = 6
"""Numbers of a box that the graph has chosen: four for its place, a score and a class."""


def with_objectness(rows: NDArray[np.float32], *, floor: float) -> Boxes:
    """YOLOv5, n x (5 + classes): centre, size, objectness, and one value per class to be multiplied by it."""
    rows = rows[rows[:, 4] >= floor]  # nothing is surer than its objectness
    return _surest_class(rows[:, :4], rows[:, 5:] * rows[:, 4:5], floor)


def without_objectness(columns: NDArray[np.float32], *, floor: float) -> Boxes:
    """YOLOv8 and later, (4 + classes) x n: centre, size, and one score per class."""
    sure = columns[4:].max(axis=0) >= floor
    rows = columns[:, sure].T
    return _surest_class(rows[:, :4], rows[:, 4:], floor)


def chosen(rows: NDArray[np.float32], *, floor: float) -> Boxes:
    """YOLOv10, 26 and exports with `nms=True`, n x 6: left, top, right, bottom, score, class; nothing has score 0."""
    return _ranked(rows[:, :4], rows[:, 4], rows[:, 5], floor)


def queried(rows: NDArray[np.float32], *, is_ranked: bool, width: int, height: int, floor: float) -> Boxes:
    """RT-DETR of Ultralytics, whose boxes are relative to the input: n x (4 + classes), centre, size and one score per
    class; or where `is_ranked`, as since 2026, n x 6: centre, size, score, class."""
    centred = rows[:, :4] * np.array([width, height] * 2, np.float32)
    if is_ranked:
        return _ranked(edges_of(centred), rows[:, 4], rows[:, 5], floor)
    return _surest_class(centred, rows[:, 4:], floor)


def labelled(
    edges: NDArray[np.float32], scores: NDArray[np.float32], labels: NDArray[np.float32], *, floor: float
) -> Boxes:
    """RT-DETR of its authors, three outputs: edges n x 4, scores n, labels n."""
    return _ranked(edges, scores, labels, floor)


def _surest_class(centred: NDArray[np.float32], scores: NDArray[np.float32], floor: float) -> Boxes:
    index = scores.argmax(axis=1)
    confidence = np.take_along_axis(scores, index[:, None], axis=1)[:, 0]
    return Boxes(edges=edges_of(centred), confidence=confidence, index=index).taken(confidence >= floor)


def _ranked(
    edges: NDArray[np.float32], scores: NDArray[np.float32], labels: NDArray[np.float32], floor: float
) -> Boxes:
    sure = scores >= floor
    return Boxes(edges=edges[sure], confidence=scores[sure], index=np.rint(labels[sure]).astype(np.intp))
