"""Detectors as Ultralytics and the authors of RT-DETR export them, on ONNX Runtime."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.detector.engine import decoding
from services.detector.engine.onnx_runtime import OnnxSession
from services.detector.engine.pictures import Placement, prepare
from services.detector.engine.rows import FLOOR, Boxes, report, suppress
from services.detector.models import NEEDS_SUPPRESSION, Model, ModelFiles, ModelUnusable
from shared.results import Detection

log = logging.getLogger(__name__)

_Outputs = dict[str, NDArray[np.float32]]

_BATCH = 8
"""Pictures together on a device beside the processor: enough to fill it, few enough for its memory."""

_ROUNDING = 1e-3
_RELATIVE = 1.5
"""The edges of relative boxes hardly pass 1, those in pixels do at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A picture of `width` x `height` as the model takes it, 1 x 3 x height x width, and where it lies in there."""

    blob: NDArray[np.float32]
    placement: Placement
    width: int
    height: int
    min_confidence: float
    nms_iou: float


class ExportedEngine:
    """Suppresses only where the graph has not done so itself or needs it not."""

    def __init__(self, files: ModelFiles, *, threads: int = 1, providers: Sequence[str] = ()) -> None:
        """Load the model and warm it up. Raises ModelUnusable where ONNX Runtime cannot run it, and where what it
        answers to a black picture is not what its family answers."""
        self._model = files.model
        self._files = files
        self._session = OnnxSession(files, threads=threads, providers=providers)
        blank = np.zeros((1, 3, files.model.input_height, files.model.input_width), np.float32)
        answered = self._session.run(blank)
        outputs = _of_picture(answered, 0)
        self._is_ranked = _is_ranked(outputs, len(files.model.classes))
        self._check(outputs)
        is_open = self._session.is_accelerated and self._session.takes_any_number
        self._batch = _BATCH if is_open and self._takes_together(blank, answered) else 1

    @property
    def model(self) -> Model:
        return self._model

    @property
    def batch(self) -> int:
        return self._batch

    def detect(self, bgr: NDArray[np.uint8], *, min_confidence: float, nms_iou: float) -> tuple[Detection, ...]:
        return self.detect_together([self.prepare(bgr, min_confidence=min_confidence, nms_iou=nms_iou)])[0]

    def prepare(self, bgr: NDArray[np.uint8], *, min_confidence: float, nms_iou: float) -> Prepared:
        model, files = self._model, self._files
        blob, placement = prepare(
            bgr, width=model.input_width, height=model.input_height, pixels=files.pixels, resize=files.resize
        )
        height, width = bgr.shape[:2]
        return Prepared(
            blob=blob, placement=placement, width=width, height=height, min_confidence=min_confidence, nms_iou=nms_iou
        )

    def detect_together(self, prepared: Sequence[Prepared]) -> list[tuple[Detection, ...]]:
        outputs = self._session.run(np.concatenate([one.blob for one in prepared]))
        return [self._found(_of_picture(outputs, number), one) for number, one in enumerate(prepared)]

    def _found(self, outputs: _Outputs, one: Prepared) -> tuple[Detection, ...]:
        boxes = self._decoded(outputs, floor=max(one.min_confidence, FLOOR))
        placed = Boxes(edges=one.placement.back(boxes.edges), confidence=boxes.confidence, index=boxes.index)
        found = suppress(placed, nms_iou=one.nms_iou) if self._model.family in NEEDS_SUPPRESSION else placed
        return report(found, classes=self._model.classes, width=one.width, height=one.height)

    def _decoded(self, outputs: _Outputs, *, floor: float) -> Boxes:
        first = next(iter(outputs.values()))
        model = self._model
        match model.family:
            case "yolov5":
                return decoding.with_objectness(first, floor=floor)
            case "yolov8":
                return decoding.without_objectness(first, floor=floor)
            case "end-to-end":
                return decoding.chosen(first, floor=floor)
            case _ if "labels" in outputs:
                return decoding.labelled(outputs["boxes"], outputs["scores"], outputs["labels"], floor=floor)
            case _:
                return decoding.queried(
                    first, is_ranked=self._is_ranked, width=model.input_width, height=model.input_height, floor=floor
                )

    def _takes_together(self, blank: NDArray[np.float32], answered: _Outputs) -> bool:
        """Whether it answers to as many black pictures as to one, each for itself. An input may leave the number open
        before a head that was made for one, and a device may have no room for more."""
        try:
            together = self._session.run(blank.repeat(_BATCH, axis=0))
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors have no family of their own
            why = str(error)
        else:
            shapes = {name: answer.shape for name, answer in together.items()}
            if shapes == {name: (_BATCH, *answer.shape[1:]) for name, answer in answered.items()}:
                return True
            why = f"it answers {shapes}"
        log.warning("%s is given one picture at a time, for it cannot take %d: %s", self._files.weights, _BATCH, why)
        return False

    def _check(self, outputs: _Outputs) -> None:
        """Raises ModelUnusable."""
        self._check_six(next(iter(outputs.values())))
        weights, classes = self._files.weights, len(self._model.classes)
        boxes = self._decoded(outputs, floor=-np.inf)
        if boxes.index.size and not 0 <= boxes.index.min() <= boxes.index.max() < classes:
            raise ModelUnusable(f"{weights} answers with class {boxes.index.max()}, but names {classes}: name them all")
        if boxes.index.size and not -_ROUNDING <= boxes.confidence.min() <= boxes.confidence.max() <= 1 + _ROUNDING:
            raise ModelUnusable(
                f"{weights} answers with scores from {boxes.confidence.min():.3g} to {boxes.confidence.max():.3g}, "
                "not from 0 to 1: export it as its authors' exporter does, with the last sigmoid"
            )
        if self._model.family == "end-to-end" and boxes.index.size and 0 < boxes.edges.max() <= _RELATIVE:
            raise ModelUnusable(
                f"{weights} answers with boxes relative to its input, not in pixels, and does not say that it is an "
                "RT-DETR: export it with a newer Ultralytics, which does"
            )

    def _check_six(self, rows: NDArray[np.float32]) -> None:
        """Of one class, YOLOv5 and a graph that has chosen its boxes give six numbers alike, the last of them the
        class: its likelihood, or its index, which is 0 everywhere. Raises ModelUnusable for one taken for the other."""
        weights, family = self._files.weights, self._model.family
        if rows.shape[-1] != decoding.RANKED or family not in {"yolov5", "end-to-end"}:
            return
        labels = rows[:, 5]
        if family == "yolov5" and not labels.any():
            raise ModelUnusable(
                f"{weights} answers {len(rows)} boxes of six numbers, as many as a YOLOv5 with one class does, but has "
                f"chosen them itself: export it with another number of them, such as max_det={len(rows) - 1}"
            )
        if family == "end-to-end" and not _are_whole(labels):
            raise ModelUnusable(
                f"{weights} answers with class {labels[labels != np.rint(labels)][0]:.3g}, no whole number: its "
                "boxes of six numbers are neither chosen ones nor three for each cell of its input"
            )


def _of_picture(outputs: _Outputs, number: int) -> _Outputs:
    return {name: answer[number] for name, answer in outputs.items()}


def _is_ranked(outputs: _Outputs, classes: int) -> bool:
    """Whether six numbers are a box, a score and a class, not a box and the scores of two classes: classes are whole
    numbers, and the scores of a black picture are not all 0 or 1."""
    rows = next(iter(outputs.values()))
    is_six = rows.shape[-1] == decoding.RANKED
    return is_six and (classes + 4 != decoding.RANKED or _are_whole(rows[:, 5]))


def _are_whole(numbers: NDArray[np.float32]) -> bool:
    return bool((numbers == np.rint(numbers)).all())
