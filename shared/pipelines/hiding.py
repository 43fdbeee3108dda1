"""Places of a picture made unrecognisable: pixelated, blurred, or filled.

Only what is filled cannot be undone: of few blocks, and of a blur, much of a face can be computed back.
"""

import math
from collections.abc import Iterable
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.pipelines.arguments import Cover
from shared.results import Rectangle

Pixels = NDArray[np.uint8]

BLOCKS = 12
"""Blocks along the width of a place that is pixelated; as many along its height as make them square."""
_SIDES_PER_SIGMA = 6
_BLURRED_SIDE = 300
"""A larger place is blurred at this size: what it takes grows with the cube of the side, and nobody sees a
difference."""


def hidden(pixels: Pixels, places: Iterable[Rectangle], cover: Cover, *, grow: float) -> Pixels:
    """A copy of the picture with these places hidden. grow: by this share of its side a place grows to each side; at
    the picture's edge it ends."""
    seen = pixels.copy()
    for place in places:
        left, top, right, bottom = _grown(place, grow, width=pixels.shape[1], height=pixels.shape[0])
        if left < right and top < bottom:
            seen[top:bottom, left:right] = _hidden(seen[top:bottom, left:right], cover)
    return seen


def _grown(place: Rectangle, grow: float, *, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom."""
    across, down = place.width * grow, place.height * grow
    return (
        max(0, math.floor(place.left - across)),
        max(0, math.floor(place.top - down)),
        min(width, math.ceil(place.left + place.width + across)),
        min(height, math.ceil(place.top + place.height + down)),
    )


def _hidden(part: Pixels, cover: Cover) -> Pixels:
    height, width = part.shape[:2]
    if cover == "fill":
        return np.full_like(part, np.rint(cv2.mean(part)[: part.shape[2]]))
    if cover == "blur":
        return _blurred(part)
    blocks = min(BLOCKS, width), min(height, max(1, round(BLOCKS * height / width)))
    averaged = cv2.resize(part, blocks, interpolation=cv2.INTER_AREA)
    return cast("Pixels", cv2.resize(averaged, (width, height), interpolation=cv2.INTER_NEAREST))


def _blurred(part: Pixels) -> Pixels:
    height, width = part.shape[:2]
    scale = min(1.0, _BLURRED_SIDE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = part if scale == 1 else cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), max(size) / _SIDES_PER_SIGMA)
    return cast("Pixels", blurred if scale == 1 else cv2.resize(blurred, (width, height)))
