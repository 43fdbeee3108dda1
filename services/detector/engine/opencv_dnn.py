"""Darknet models on OpenCV's DNN module."""

import re
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from services.detector.engine.pictures import stretch
from services.detector.engine.rows import FLOOR, read_rows
from services.detector.models import Model, ModelFiles, ModelUnusable
from shared.results import Detection


class OpenCvEngine:
    """One `cv2.dnn.Net` of its own: a Net that is shared between threads answers wrongly."""

    def __init__(self, files: ModelFiles, *, floor: float = FLOOR) -> None:
        """Load the model and warm it up. Raises ModelUnusable where OpenCV cannot run it.

        floor: OpenCV gives 0 for confidences that are not above it. Its own, unless the cfg sets one, is 0.2.
        """
        if files.cfg is None:
            raise ModelUnusable(f"{files.weights} has no .cfg: OpenCV runs Darknet models here")
        self._model = files.model
        self._pixels = files.pixels
        try:
            self._net = _read_net(files.cfg, files.weights, floor)
            self._outputs = self._net.getUnconnectedOutLayersNames()
            self.rows(np.zeros((files.model.input_height, files.model.input_width, 3), np.uint8))
        except (cv2.error, OSError) as error:
            raise ModelUnusable(f"OpenCV cannot run {files.cfg}: {error}") from error

    @property
    def model(self) -> Model:
        return self._model

    def detect(self, bgr: NDArray[np.uint8], *, min_confidence: float, nms_iou: float) -> tuple[Detection, ...]:
        height, width = bgr.shape[:2]
        return read_rows(
            self.rows(bgr),
            classes=self._model.classes,
            width=width,
            height=height,
            min_confidence=min_confidence,
            nms_iou=nms_iou,
        )

    def rows(self, bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        """All rows of the YOLO layers, as `read_rows` takes them."""
        model = self._model
        self._net.setInput(stretch(bgr, width=model.input_width, height=model.input_height, pixels=self._pixels))
        rows: tuple[NDArray[np.float32], ...] = self._net.forward(self._outputs)  # pyright: ignore[reportAssignmentType]  (the stubs miss that a list of names yields arrays)
        return np.concatenate(rows)


def _read_net(cfg: Path, weights: Path, floor: float) -> cv2.dnn.Net:
    text = _with_floor(cfg.read_text(encoding="utf-8"), floor)
    return cv2.dnn.readNetFromDarknet(np.frombuffer(text.encode(), np.uint8), np.fromfile(weights, np.uint8))


def _with_floor(cfg: str, floor: float) -> str:
    """The cfg with `thresh`, the confidence floor of its detection layers, set to this floor."""
    bare = re.sub(r"(?m)^\s*thresh\s*=.*$", "", cfg)
    return re.sub(r"(?m)^\s*\[(yolo|region)\].*$", rf"[\1]\nthresh={floor}", bare)
