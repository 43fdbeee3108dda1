"""Pixels written as a file."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.pictures.header import Format

Pixels = NDArray[np.uint8]


def encode(
    pixels: Pixels, file_format: Format, parameters: Sequence[int], colour_profile: bytes | None
) -> bytes | None:
    """The pixels as a file, with their ICC profile where it fits them; None: the format cannot hold them."""
    fitting = colour_profile if colour_profile is not None and _fits(colour_profile, pixels) else None
    encoded = fitting and _encoded(pixels, file_format, parameters, [np.frombuffer(fitting, np.uint8)])
    return encoded or _encoded(pixels, file_format, parameters, [])


def is_gray(pixels: NDArray[Any]) -> bool:
    """Whether pixels have no channels."""
    return pixels.ndim == len("HW")


def _encoded(
    pixels: Pixels, file_format: Format, parameters: Sequence[int], profiles: Sequence[Pixels]
) -> bytes | None:
    kinds = [cv2.IMAGE_METADATA_ICCP] * len(profiles)
    try:
        is_encoded, data = cv2.imencodeWithMetadata(f".{file_format}", pixels, kinds, profiles, parameters)
    except cv2.error:
        return None
    return data.tobytes() if is_encoded else None


def _fits(profile: bytes, pixels: Pixels) -> bool:
    """Whether an ICC profile is whole and speaks of such samples: that of a CMYK picture says nothing about BGR."""
    space = b"GRAY" if is_gray(pixels) else b"RGB "
    return int.from_bytes(profile[:4], "big") == len(profile) and profile[16:20] == space
