"""The port of detection engines, for any library that runs a model."""

from collections.abc import Sequence
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from services.detector.models import Model
from shared.results import Detection

Prepared = TypeVar("Prepared")
"""A picture as an engine takes it, with all that is needed to say where its objects are."""


class Engine(Protocol):
    """One loaded model, warmed up. Not thread-safe: one instance per inference thread, never shared."""

    @property
    def model(self) -> Model:
        """The model that this engine runs."""
        ...

    def detect(self, bgr: NDArray[np.uint8], *, min_confidence: float, nms_iou: float) -> tuple[Detection, ...]:
        """Find objects in an upright picture, given as height x width x 3 bytes in the order blue, green, red.

        Labels are the model's class names. Confidence is 0 to 1, at least `min_confidence`. Rectangles are in pixels of
        the picture, rounded and clipped to it, at least 1 x 1. Of two objects of the same class that overlap with an
        intersection over union above `nms_iou` (0 to 1), only the surer one is kept. The surest comes first; equally
        sure ones come in the order of the model's classes, then from left to right and top to bottom. Only the 4,096
        surest are compared with each other. Where the model does that itself or needs it not, `nms_iou` is left aside.
        A classifier answers with at most five rectangles of the whole picture.
        """
        ...


@runtime_checkable
class BatchingEngine(Engine, Protocol[Prepared]):
    """An engine that may look at several pictures together, as devices beside the processor do best.

    It makes each ready by itself: what waits for the others then holds no decoded picture.
    """

    @property
    def batch(self) -> int:
        """How many pictures it takes at a time at most; 1 on the processor, where more gain nothing."""
        ...

    def prepare(self, bgr: NDArray[np.uint8], *, min_confidence: float, nms_iou: float) -> Prepared:
        """Make one picture ready for `detect_together`; given what `detect` is given, of which it keeps no pixels."""
        ...

    def detect_together(self, prepared: Sequence[Prepared]) -> list[tuple[Detection, ...]]:
        """What `detect` would answer for each of at most `batch` pictures, in their order."""
        ...
