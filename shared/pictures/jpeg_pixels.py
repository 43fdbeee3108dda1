"""The pixels of a JPEG, decoded by TurboJPEG, which says where data is missing: OpenCV fills it in with gray."""

from typing import Any, cast

import cv2
import numpy as np
import simplejpeg  # pyright: ignore[reportMissingTypeStubs]  (it has types and lacks the mark)
from numpy.typing import NDArray

from shared.pictures.header import Header
from shared.pictures.refusals import corrupt, truncated

Pixels = NDArray[np.uint8]

DAMAGED = "the JPEG data is damaged in places"

_REDUCTIONS = (8, 4, 2, 1)  # what decoders are fast at
_REDUCED_COLOURS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_COLOURS = {1: "GRAY", 3: "BGR", 4: "CMYK"}
_MISSING = "premature end"  # in the decoder's words
_FILLED_IN = (128, 64)  # what OpenCV shows where data is missing: 64 where the samples are inks


def look(data: bytes, header: Header, *, long_side: int) -> tuple[Pixels, tuple[str, ...]]:
    """See that a bare JPEG decodes; returns it reduced, as gray or BGR, and notes on how well. Raises PictureRejected.

    All of the entropy-coded data is read, but most of the transforms are spared: at an eighth of the size it takes a
    third of the time. The longer side keeps at least `long_side` pixels; without one, only gray is decoded.
    """
    reduction = _reduction_to(long_side, header)
    colours = _COLOURS[header.components] if long_side else "GRAY"
    pixels = _turbo(data, header, colours, reduction=reduction)
    if pixels is not None:
        return pixels[..., 0] if colours == "GRAY" else pixels, ()
    flags = _REDUCED_COLOURS[reduction] if long_side else cv2.IMREAD_REDUCED_GRAYSCALE_8
    return _despite_damage(data, header, flags, reduction=reduction), (DAMAGED,)


def _reduction_to(long_side: int, header: Header) -> int:
    """By how much a JPEG can be reduced, so that its longer side keeps at least so many pixels."""
    longer = max(header.width, header.height)
    return next(reduction for reduction in _REDUCTIONS if reduction == 1 or longer >= reduction * long_side)


def reduced_bytes(header: Header, long_side: int) -> int:
    """How much memory the pixels take that `look` returns."""
    rows, columns = _reduced(header, _reduction_to(long_side, header))
    return rows * columns * header.components


def decode(data: bytes, header: Header) -> tuple[Pixels, tuple[str, ...]]:
    """A bare JPEG as gray or BGR, before its orientation, and notes on how well; raises PictureRejected."""
    pixels = _turbo(data, header, _COLOURS.get(header.components, "BGR"), reduction=1)
    if pixels is None:
        flags = cv2.IMREAD_UNCHANGED  # leaves the orientation alone
        return _despite_damage(data, header, flags, reduction=1), (DAMAGED,) if header.is_dct else ()
    match header.components:
        case 1:
            return pixels[..., 0], ()
        case 3:
            return pixels, ()
        case _:
            return _without_inks(pixels), ()


def _turbo(data: bytes, header: Header, colours: str, *, reduction: int) -> Pixels | None:
    """The picture if nothing is wrong with it; None where OpenCV may still make something of it.

    Raises PictureRejected where data is missing.
    """
    if not header.is_dct:  # a lossless JPEG is not reduced, but written past the end of a reduced picture's buffer
        return None
    rows, columns = _reduced(header, reduction)
    try:
        pixels = simplejpeg.decode_jpeg(data, colours, min_height=rows, min_width=columns, strict=True)
    except ValueError as error:
        if _MISSING in str(error):
            raise truncated("JPEG") from None
        return None
    return cast("Pixels", pixels)


def _despite_damage(data: bytes, header: Header, flags: int, *, reduction: int) -> Pixels:
    """The picture as browsers show it, with its damaged places; raises PictureRejected where most of it is missing."""
    decoded: Any = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if decoded is None or decoded.shape[:2] != _reduced(header, reduction):
        raise corrupt("JPEG")
    pixels = cast("Pixels", decoded)
    last_quarter = pixels[pixels.shape[0] * 3 // 4 :]
    if any((last_quarter == gray).all() for gray in _FILLED_IN):
        raise truncated("JPEG")
    return pixels


def _reduced(header: Header, reduction: int) -> tuple[int, int]:
    """The height and the width of the reduced picture."""
    return -(-header.height // reduction), -(-header.width // reduction)


def _without_inks(cmyk: Pixels) -> Pixels:
    """CMYK, inverted as Adobe writes it and everyone reads it, as BGR."""
    black = cmyk[..., 3]
    inks = (cmyk[..., 2], cmyk[..., 1], cmyk[..., 0])
    return cast("Pixels", cv2.merge([cv2.multiply(ink, black, scale=1 / 255) for ink in inks]))
