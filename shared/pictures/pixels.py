"""Pixels decoded, brought into one form, and encoded again: gray (H x W), BGR (H x W x 3) or BGRA (H x W x 4)."""

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.pictures import depth, encoding, jpeg, jpeg_pixels, png
from shared.pictures.encoding import is_gray
from shared.pictures.header import Format, Header
from shared.pictures.refusals import PictureRejected, corrupt

Pixels = NDArray[np.uint8]

NAMES: dict[Format, str] = {"jpeg": "JPEG", "png": "PNG", "webp": "WebP", "bmp": "BMP"}

_BAND_ROWS = 256
_QUALITY = 95
_WEBP_LOSSLESS = 101  # any quality above 100 means lossless


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A decoded picture as stored, before its orientation: 8 bits per sample; and its ICC profile, if it has one.

    `notes` say what had to be changed.
    """

    pixels: Pixels
    colour_profile: bytes | None
    notes: tuple[str, ...] = ()


def look(data: bytes, header: Header, *, long_side: int) -> Decoded | None:
    """See that a bare picture can be decoded, as cheaply as its format allows.

    Returns what was decoded for it, reduced where that is cheaper, to a longer side of no less than `long_side` pixels;
    None: nothing was. Raises PictureRejected.
    """
    match header.format:
        case "jpeg":
            pixels, notes = jpeg_pixels.look(data, header, long_side=long_side)
            return Decoded(pixels=pixels, colour_profile=jpeg.colour_profile(data), notes=notes)
        case "png":
            png.verify(data)
            return None
        case "webp" | "bmp":
            return decode(data, header)


def decode(data: bytes, header: Header) -> Decoded:
    """Decode a bare picture in its own form: gray stays gray, alpha stays; raises PictureRejected."""
    if header.format == "jpeg":
        pixels, notes = jpeg_pixels.decode(data, header)
        return Decoded(pixels=pixels, colour_profile=jpeg.colour_profile(data), notes=notes)
    if header.format == "png":
        png.verify(data)  # before OpenCV unpacks it, however much that is
    decoded, colour_profile = _decode(data, header)
    transparent = None if header.transparent_gray is None else decoded == header.transparent_gray
    pixels, notes = depth.to_eight_bits(decoded, header.significant_bits)
    if transparent is not None:
        pixels = _with_transparency(pixels, transparent)
    return Decoded(pixels=pixels, colour_profile=colour_profile, notes=notes)


def _decode(data: bytes, header: Header) -> tuple[NDArray[Any], bytes | None]:
    """What OpenCV makes of it, and its ICC profile; raises PictureRejected."""
    # with IMREAD_UNCHANGED the decoder leaves the orientation alone
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION if header.ignores_alpha else cv2.IMREAD_UNCHANGED
    decoded: Any
    try:
        decoded, kinds, metadata = cv2.imdecodeWithMetadata(np.frombuffer(data, np.uint8), flags=flags)
    except cv2.error as error:
        raise corrupt(NAMES[header.format]) from error
    if decoded is None or decoded.shape[:2] != (header.height, header.width):
        raise corrupt(NAMES[header.format])
    profiles = [entry.tobytes() for kind, entry in zip(kinds, metadata, strict=True) if kind == cv2.IMAGE_METADATA_ICCP]
    return cast("NDArray[Any]", decoded), profiles[0] if profiles else None


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """The pixels turned and mirrored as an EXIF orientation, 1 to 8, says that they are to be seen."""
    match orientation:
        case 2:
            seen = cv2.flip(pixels, 1)
        case 3:
            seen = cv2.rotate(pixels, cv2.ROTATE_180)
        case 4:
            seen = cv2.flip(pixels, 0)
        case 5:
            seen = cv2.transpose(pixels)
        case 6:
            seen = cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE)
        case 7:
            seen = cv2.rotate(cv2.transpose(pixels), cv2.ROTATE_180)
        case 8:
            seen = cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE)
        case _:
            return pixels
    return cast("Pixels", seen)


def to_bgr(pixels: Pixels) -> Pixels:
    """Gray, BGR or BGRA as BGR; what is transparent lies on white."""
    if is_gray(pixels):
        return cast("Pixels", cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR))
    if pixels.shape[2] == len("BGR"):
        return pixels
    on_white = np.empty((*pixels.shape[:2], len("BGR")), np.uint8)
    for top in range(0, len(pixels), _BAND_ROWS):  # band by band: the whole needs as much again for what is between
        band = pixels[top : top + _BAND_ROWS]
        alpha = cv2.cvtColor(band[..., 3], cv2.COLOR_GRAY2BGR)
        bgr = cv2.cvtColor(band, cv2.COLOR_BGRA2BGR)
        cv2.add(cv2.multiply(bgr, alpha, scale=1 / 255), cv2.bitwise_not(alpha), dst=on_white[top : top + _BAND_ROWS])
    return on_white


def encode(pixels: Pixels, header: Header, colour_profile: bytes | None) -> bytes:
    """The pixels in the picture's own format, as good as lossless; raises PictureRejected where it cannot hold them."""
    match header.format:
        case "jpeg":
            parameters = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
        case "webp":
            parameters = [cv2.IMWRITE_WEBP_QUALITY, _WEBP_LOSSLESS if header.is_lossless else _QUALITY]
        case _:
            parameters = []
    encoded = encoding.encode(pixels, header.format, parameters, colour_profile)
    if encoded is None:
        raise PictureRejected(f"the {NAMES[header.format]} cannot be stored upright")
    return encoded


def _with_transparency(gray: Pixels, transparent: NDArray[np.bool_]) -> Pixels:
    """Gray as BGRA where one of its grays is transparent, which OpenCV's decoder leaves out."""
    alpha = np.where(transparent, np.uint8(0), np.uint8(255))
    return cast("Pixels", cv2.merge([gray, gray, gray, alpha]))
