"""From a picture to what a model takes. Pictures are height x width x 3 bytes in the order blue, green, red."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.detector.models import Pixels, Resize

_PADDING = 114  # the gray that YOLO models were trained with around their pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a picture lies in a model's input: its pixel x is at x * scale_x + left, and so for y."""

    scale_x: float
    scale_y: float
    left: float = 0
    top: float = 0

    def back(self, edges: NDArray[np.float32]) -> NDArray[np.float32]:
        """Edges (n x 4: left, top, right, bottom) in pixels of the picture instead of the input."""
        start = np.array([self.left, self.top] * 2, np.float32)
        return (edges - start) / np.array([self.scale_x, self.scale_y] * 2, np.float32)


def prepare(
    bgr: NDArray[np.uint8], *, width: int, height: int, pixels: Pixels, resize: Resize
) -> tuple[NDArray[np.float32], Placement]:
    """The picture as 1 x 3 x height x width, and where it lies in there."""
    match resize:
        case "stretch":
            placement = Placement(scale_x=width / bgr.shape[1], scale_y=height / bgr.shape[0])
            return stretch(bgr, width=width, height=height, pixels=pixels), placement
        case "corner":
            canvas, placement = _corner(bgr, width, height)
        case "letterbox":
            canvas, placement = _letterbox(bgr, width, height)
        case "crop":
            canvas, placement = _crop(bgr, width, height)
    return stretch(canvas, width=width, height=height, pixels=pixels), placement


def stretch(bgr: NDArray[np.uint8], *, width: int, height: int, pixels: Pixels) -> NDArray[np.float32]:
    """The picture stretched to `width` x `height`, as 1 x 3 x height x width."""
    offset = pixels.offset if isinstance(pixels.offset, tuple) else (pixels.offset,) * 3
    factor = 1 if isinstance(pixels.divisor, tuple) else 1 / pixels.divisor
    blob = cv2.dnn.blobFromImage(bgr, factor, (width, height), offset, swapRB=pixels.order == "rgb")
    if isinstance(pixels.divisor, tuple):
        blob /= np.array(pixels.divisor, np.float32).reshape(3, 1, 1)
    return blob  # pyright: ignore[reportReturnType]  (the stubs say any kind of number)


def _corner(bgr: NDArray[np.uint8], width: int, height: int) -> tuple[NDArray[np.uint8], Placement]:
    """As YOLOX's own `preproc` does it (yolox/data/data_augment.py)."""
    scale = min(width / bgr.shape[1], height / bgr.shape[0])
    across, down = max(1, int(bgr.shape[1] * scale)), max(1, int(bgr.shape[0] * scale))
    return _on_gray(bgr, width, height, (0, 0, across, down)), Placement(scale_x=scale, scale_y=scale)


def _letterbox(bgr: NDArray[np.uint8], width: int, height: int) -> tuple[NDArray[np.uint8], Placement]:
    """As Ultralytics' `LetterBox` does it for a model of one size (ultralytics/data/augment.py)."""
    scale = min(width / bgr.shape[1], height / bgr.shape[0])
    across, down = max(1, round(bgr.shape[1] * scale)), max(1, round(bgr.shape[0] * scale))
    left, top = round((width - across) / 2 - 0.1), round((height - down) / 2 - 0.1)
    placement = Placement(scale_x=scale, scale_y=scale, left=left, top=top)
    return _on_gray(bgr, width, height, (left, top, across, down)), placement


def _crop(bgr: NDArray[np.uint8], width: int, height: int) -> tuple[NDArray[np.uint8], Placement]:
    """The largest middle part with the input's proportions, as torchvision's `CenterCrop` takes it after `Resize`.

    It is cut out first: a picture of a few pixels in one direction is never blown up in both.
    """
    scale = max(width / bgr.shape[1], height / bgr.shape[0])
    across, down = max(1, round(width / scale)), max(1, round(height / scale))
    left, top = (bgr.shape[1] - across) // 2, (bgr.shape[0] - down) // 2
    part = bgr[top : top + down, left : left + across]
    is_smaller = width * height < across * down
    resized = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR)
    placement = Placement(
        scale_x=width / across, scale_y=height / down, left=-left * width / across, top=-top * height / down
    )
    return resized, placement  # pyright: ignore[reportReturnType]  (the stubs say any kind of number)


def _on_gray(bgr: NDArray[np.uint8], width: int, height: int, at: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """The picture resized to the place `at` (left, top, width, height) of a gray one."""
    left, top, across, down = at
    canvas = np.full((height, width, 3), _PADDING, np.uint8)
    canvas[top : top + down, left : left + across] = cv2.resize(bgr, (across, down), interpolation=cv2.INTER_LINEAR)
    return canvas
