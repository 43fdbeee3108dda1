"""From a picture to what a model takes. Pictures are height x width x 3 bytes in the order blue, green, red."""

import cv2
import numpy as np
from numpy.typing import NDArray

from services.detector.models import Pixels

_PADDING = 114  # the gray that YOLOX was trained with around its pictures


def stretch(bgr: NDArray[np.uint8], *, width: int, height: int, pixels: Pixels) -> NDArray[np.float32]:
    """The picture stretched to `width` x `height`, as 1 x 3 x height x width."""
    return cv2.dnn.blobFromImage(
        bgr,
        1 / pixels.divisor,
        (width, height),
        (pixels.offset, pixels.offset, pixels.offset),
        swapRB=pixels.order == "rgb",
    )  # pyright: ignore[reportReturnType]  (the stubs say any kind of number)


def fit(bgr: NDArray[np.uint8], *, width: int, height: int, pixels: Pixels) -> tuple[NDArray[np.float32], float]:
    """The picture at the top left of `width` x `height` with its proportions kept, and the scale it was brought to.

    As YOLOX's own `preproc` does it (yolox/data/data_augment.py), the rest is gray.
    """
    scale = min(width / bgr.shape[1], height / bgr.shape[0])
    across, down = max(1, int(bgr.shape[1] * scale)), max(1, int(bgr.shape[0] * scale))
    canvas = np.full((height, width, 3), _PADDING, np.uint8)
    canvas[:down, :across] = cv2.resize(bgr, (across, down), interpolation=cv2.INTER_LINEAR)
    return stretch(canvas, width=width, height=height, pixels=pixels), scale
