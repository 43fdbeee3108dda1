"""The operations on a picture: each makes pictures of one, with the map of each back to it.

Pictures are height x width x 3 in blue, green, red, 8 bits; no side is 0. What an operation only cuts out is a view of
what it was cut out of. Any number of threads may call them.
"""

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.errors import Invalid
from shared.pipelines import Affine
from shared.pipelines.arguments import (
    Argument,
    Blur,
    BlurKind,
    Crop,
    Fit,
    Grayscale,
    Hide,
    Resize,
    Rotate,
    Split,
    Tile,
    Turn,
)
from shared.pipelines.expansion import Piece, pieces_of

Pixels = NDArray[np.uint8]

_KERNEL = 5
_DIAMETER, _SIGMA_COLOUR, _SIGMA_SPACE = 9, 75, 75
_TURNS: dict[Turn, int] = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Made:
    """A picture that an operation made, and the map from it to the one that it was made of."""

    pixels: Pixels
    affine: Affine


def made(argument: Argument, pixels: Pixels) -> list[Made]:
    """What an operation makes of a picture, in order. Raises Invalid where it cannot be done on a picture of that size,
    and for `hide`, which takes a detector."""
    height, width = pixels.shape[:2]
    return [
        Made(pixels=cast("Pixels", _pixels(argument, pixels, piece)), affine=piece.affine)
        for piece in pieces_of(argument, width, height)
    ]


def _pixels(argument: Argument, pixels: Pixels, piece: Piece) -> Any:
    match argument:
        case Resize() | Fit():
            return cv2.resize(pixels, (piece.width, piece.height), interpolation=cv2.INTER_AREA)
        case Split() | Tile() | Crop():
            return pixels[piece.top : piece.top + piece.height, piece.left : piece.left + piece.width]
        case Rotate():
            return cv2.rotate(pixels, _TURNS[argument.degrees])
        case Grayscale():  # in three channels: what comes after it needs no other case
            return cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        case Blur():
            return _blurred(argument.kind, pixels)
        case Hide():
            raise Invalid("what is to be hidden is found by a detector: this is done there")


def _blurred(kind: BlurKind, pixels: Pixels) -> Any:
    match kind:
        case "gaussian":
            return cv2.GaussianBlur(pixels, (_KERNEL, _KERNEL), 0)
        case "updownsampling":
            return cv2.pyrUp(cv2.pyrDown(pixels), dstsize=(pixels.shape[1], pixels.shape[0]))
        case "bilateral":
            return cv2.bilateralFilter(pixels, _DIAMETER, _SIGMA_COLOUR, _SIGMA_SPACE)
        case "median":
            return cv2.medianBlur(pixels, _KERNEL)
