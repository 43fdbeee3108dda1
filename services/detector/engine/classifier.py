"""Classifiers on ONNX Runtime, which label a picture as a whole."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.detector.engine.onnx_runtime import OnnxSession
from services.detector.engine.pictures import prepare
from services.detector.models import Model, ModelFiles, ModelUnusable, Resize
from shared.results import Detection, Rectangle

_TOP = 5
"""The most classes in an answer."""

_NOTHING = "background"
"""The class with which some models say that a picture shows none of the others."""


class ClassifierEngine:
    """Answers with rectangles as large as the picture; there is nothing to suppress."""

    def __init__(self, files: ModelFiles, *, threads: int = 1, providers: Sequence[str] = ()) -> None:
        """Load the model and warm it up. Raises ModelUnusable where ONNX Runtime cannot run it."""
        self._model = files.model
        self._pixels = files.pixels
        self._resize: Resize = files.resize
        self._session = OnnxSession(files, threads=threads, providers=providers)
        outputs = self._outputs(np.zeros((files.model.input_height, files.model.input_width, 3), np.uint8))
        if outputs.shape != (len(files.model.classes),):
            raise ModelUnusable(
                f"{files.weights} answers {outputs.shape} where it has {len(files.model.classes)} classes"
            )
        self._has_logits = bool(outputs.min() < 0 or abs(outputs.sum() - 1) > 0.01)  # noqa: PLR2004 - rounding

    @property
    def model(self) -> Model:
        return self._model

    def detect(self, bgr: NDArray[np.uint8], *, min_confidence: float, nms_iou: float) -> tuple[Detection, ...]:  # noqa: ARG002 - one rectangle each
        height, width = bgr.shape[:2]
        outputs = self._outputs(bgr)
        confidences = _softmax(outputs) if self._has_logits else np.clip(outputs, 0, 1)
        whole = Rectangle(left=0, top=0, width=width, height=height)
        surest = [
            Detection(label=self._model.classes[index], confidence=float(confidences[index]), rectangle=whole)
            for index in np.argsort(-confidences, kind="stable")[: _TOP + 1]
            if self._model.classes[index] != _NOTHING and confidences[index] >= min_confidence
        ]
        return tuple(surest[:_TOP])

    def _outputs(self, bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        model = self._model
        blob, _ = prepare(
            bgr, width=model.input_width, height=model.input_height, pixels=self._pixels, resize=self._resize
        )
        return next(iter(self._session.run(blob).values()))[0]


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()
