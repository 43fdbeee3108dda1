"""Pictures of pipelines: height x width x 3 in blue, green, red, 8 bits.

Between two visits they are stored raw: width, height and channels as little-endian uint32, then the pixels row by row.
Encoding as PNG would take longer than most operations do.
"""

import struct
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.pictures import DecodingBudget, PictureLimits, PictureRejected, decode_bgr
from shared.pipelines import RAW, Output

Pixels = NDArray[np.uint8]

_HEADER = struct.Struct("<III")
_CHANNELS = 3


def read(key: str, data: bytes, limits: PictureLimits, budget: DecodingBudget | None = None) -> Pixels:
    """The picture that is stored under a key: raw, or a file that was uploaded.

    Raises PictureRejected, PictureTooLarge and PictureTypeUnsupported.
    """
    return unpacked(data, limits) if key.endswith(f".{RAW}") else decode_bgr(data, limits, budget)


def packed(pixels: Pixels) -> bytes:
    """The picture in its raw form."""
    height, width, channels = pixels.shape
    return _HEADER.pack(width, height, channels) + pixels.tobytes()


def unpacked(data: bytes, limits: PictureLimits) -> Pixels:
    """The picture of a raw form; it cannot be written to. Raises PictureRejected where that is broken or too large."""
    if len(data) < _HEADER.size:
        raise PictureRejected("the picture between two steps is broken")
    width, height, channels = _HEADER.unpack_from(data)
    if channels != _CHANNELS or len(data) != _HEADER.size + width * height * channels or not width * height:
        raise PictureRejected("the picture between two steps is broken")
    if width * height > limits.max_pixels:
        raise PictureRejected(f"the picture has more than {limits.max_pixels:,} pixels")
    return np.frombuffer(data, np.uint8, offset=_HEADER.size).reshape(height, width, channels)


def encoded(pixels: Pixels, output: Output, quality: int) -> bytes:
    """The picture as a file. quality: of JPEG, 1 to 100. Raises PictureRejected where the format cannot hold it."""
    parameters = [cv2.IMWRITE_JPEG_QUALITY, quality] if output == "jpg" else []
    try:
        is_encoded, data = cv2.imencode(f".{output}", pixels, parameters)
    except cv2.error:
        is_encoded, data = False, None
    if not is_encoded:
        raise PictureRejected(f"the picture cannot be stored as {output}")
    return cast("NDArray[Any]", data).tobytes()
