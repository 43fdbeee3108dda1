"""Renditions, made from the pixels of a picture."""

from collections.abc import Sequence
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.pictures import encoding
from shared.pictures.refusals import PictureRejected
from shared.renditions import Rendition

Pixels = NDArray[np.uint8]


def made(
    pixels: Pixels, wanted: Sequence[Rendition], colour_profile: bytes | None, *, of: tuple[int, int]
) -> tuple[bytes, ...]:
    """These renditions of a picture, given the smallest first; each is made from the next larger one.

    pixels: gray or BGR, upright, no smaller than the largest of them. of: the picture's own width and height.
    Raises PictureRejected.
    """
    found: list[bytes] = []
    for rendition in reversed(wanted):
        scale = rendition.long_side / max(of)
        pixels = _resized(pixels, (max(1, round(of[0] * scale)), max(1, round(of[1] * scale))))
        encoded = encoding.encode(pixels, "jpeg", [cv2.IMWRITE_JPEG_QUALITY, rendition.quality], colour_profile)
        if encoded is None:
            raise PictureRejected("no smaller copy of the picture can be made")
        found.append(encoded)
    return tuple(reversed(found))


def _resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    height, width = pixels.shape[:2]
    if size == (width, height):
        return pixels
    # down to a half, bilinear passes over no pixel, and is three times as fast
    how = cv2.INTER_LINEAR if 2 * max(size) >= max(width, height) else cv2.INTER_AREA
    return cast("Pixels", cv2.resize(pixels, size, interpolation=how))
