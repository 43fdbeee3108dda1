"""Samples of 16 bits as samples of 8."""

from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

REDUCED = "samples of 16 bits became samples of 8 bits"

_BITS = 16
_SHALLOWER = (8, 10, 12)  # what cameras and scanners save in 16 bits, where the file says nothing of it
_SPREAD = 257  # 65,535 / 255: all samples are multiples of it where 8 bits were spread over 16
_BAND_ROWS = 256


def to_eight_bits(pixels: NDArray[Any], significant_bits: int | None) -> tuple[Pixels, tuple[str, ...]]:
    """The pixels with samples of 8 bits, and notes on it.

    Samples of 12 bits that were saved in 16 as they are, as cameras and microscopes do it, are stretched: they would be
    all but black. What the file says of their bits tells them, or else the largest of them.
    """
    if pixels.dtype == np.uint8:
        return pixels, ()
    colours = pixels if pixels.ndim == len("HW") else pixels[..., :3]
    bits = _used_bits(colours, significant_bits)
    reduced = cast("Pixels", cv2.convertScaleAbs(pixels, alpha=255 / ((1 << bits) - 1)))
    if bits == _BITS:
        return reduced, (REDUCED,)
    if pixels.ndim > len("HW") and pixels.shape[2] > len("BGR"):  # how opaque it is was not measured
        cv2.insertChannel(cv2.convertScaleAbs(pixels[..., 3], alpha=255 / 65535), reduced, 3)
    return reduced, (f"samples of {bits} bits in 16 were stretched and became samples of 8 bits",)


def _used_bits(colours: NDArray[Any], significant_bits: int | None) -> int:
    """How many of the 16 bits are in use: 16 where the samples fill them, or are 8 bits spread over them."""
    candidates = _SHALLOWER if significant_bits is None else (significant_bits,)
    largest, are_spread = 0, True
    for top in range(0, len(colours), _BAND_ROWS):
        band = colours[top : top + _BAND_ROWS]
        largest = max(largest, int(band.max()))
        if largest >= 1 << candidates[-1]:
            return _BITS
        are_spread = are_spread and not (band % _SPREAD).any()
    return _BITS if are_spread else next(bits for bits in candidates if largest < 1 << bits)
