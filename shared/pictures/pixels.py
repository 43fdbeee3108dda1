"""Pixels decoded, brought into one form, and encoded again: gray (H x W), BGR (H x W x 3) or BGRA (H x W x 4)."""

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.pictures.header import Format, Header
from shared.pictures.refusals import PictureRejected, corrupt

Pixels = NDArray[np.uint8]

NAMES: dict[Format, str] = {"jpeg": "JPEG", "png": "PNG", "webp": "WebP", "bmp": "BMP"}

_REDUCTION = 8
_QUALITY = 95
_WEBP_LOSSLESS = 101  # any quality above 100 means lossless


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A decoded picture as stored, before its orientation: 8 bits per sample; and its ICC profile, if it has one."""

    pixels: Pixels
    colour_profile: bytes | None


def verify(data: bytes, header: Header) -> None:
    """Decode the picture only to see that it can be; raises PictureRejected."""
    if header.format == "jpeg":
        # reads all the entropy-coded data, but spares most of the transforms and the colours: a third of the time
        rows, columns = -(-header.height // _REDUCTION), -(-header.width // _REDUCTION)
        _require(cv2.imdecode(_buffer(data), cv2.IMREAD_REDUCED_GRAYSCALE_8), (rows, columns), header)
    else:
        decode(data, header)


def decode(data: bytes, header: Header) -> Decoded:
    """Decode the picture in its own form: gray stays gray, alpha stays; raises PictureRejected."""
    # with IMREAD_UNCHANGED the decoder leaves the orientation alone
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION if header.ignores_alpha else cv2.IMREAD_UNCHANGED
    try:
        decoded, kinds, metadata = cv2.imdecodeWithMetadata(_buffer(data), flags=flags)
    except cv2.error as error:
        raise corrupt(NAMES[header.format]) from error
    pixels = _require(decoded, (header.height, header.width), header)
    profiles = [entry.tobytes() for kind, entry in zip(kinds, metadata, strict=True) if kind == cv2.IMAGE_METADATA_ICCP]
    return Decoded(
        pixels=_to_eight_bits(_with_gray_transparency(pixels, header.transparent_gray)),
        colour_profile=profiles[0] if profiles else None,
    )


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
    if _is_gray(pixels):
        return cast("Pixels", cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR))
    if pixels.shape[2] == len("BGR"):
        return pixels
    alpha = cv2.cvtColor(pixels[..., 3], cv2.COLOR_GRAY2BGR)
    bgr = cv2.cvtColor(pixels, cv2.COLOR_BGRA2BGR)
    return cast("Pixels", cv2.add(cv2.multiply(bgr, alpha, scale=1 / 255), cv2.bitwise_not(alpha)))


def encode(pixels: Pixels, header: Header, colour_profile: bytes | None) -> bytes:
    """The pixels in the picture's own format, as good as lossless; raises PictureRejected where it cannot hold them."""
    fitting = colour_profile if colour_profile is not None and _fits(colour_profile, pixels) else None
    encoded = fitting and _encoded(pixels, header, [np.frombuffer(fitting, np.uint8)])
    encoded = encoded or _encoded(pixels, header, [])  # a profile that the encoder does not take is left out
    if encoded is None:
        raise PictureRejected(f"the {NAMES[header.format]} cannot be stored upright")
    return encoded


def _encoded(pixels: Pixels, header: Header, profiles: list[Pixels]) -> bytes | None:
    match header.format:
        case "jpeg":
            parameters = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
        case "webp":
            parameters = [cv2.IMWRITE_WEBP_QUALITY, _WEBP_LOSSLESS if header.is_lossless else _QUALITY]
        case _:
            parameters = []
    kinds = [cv2.IMAGE_METADATA_ICCP] * len(profiles)
    try:
        is_encoded, data = cv2.imencodeWithMetadata(f".{header.format}", pixels, kinds, profiles, parameters)
    except cv2.error:
        return None
    return data.tobytes() if is_encoded else None


def _fits(profile: bytes, pixels: Pixels) -> bool:
    """Whether an ICC profile is whole and speaks of such samples: that of a CMYK picture says nothing about BGR."""
    space = b"GRAY" if _is_gray(pixels) else b"RGB "
    return int.from_bytes(profile[:4], "big") == len(profile) and profile[16:20] == space


def _is_gray(pixels: Pixels) -> bool:
    return pixels.ndim == len("HW")


def _buffer(data: bytes) -> Pixels:
    return np.frombuffer(data, np.uint8)


def _require(decoded: Any, shape: tuple[int, int], header: Header) -> NDArray[Any]:
    """What the decoder gave, if it is a picture of the size that the header promised; raises PictureRejected."""
    if decoded is None or decoded.shape[:2] != shape:
        raise corrupt(NAMES[header.format])
    return cast("NDArray[Any]", decoded)


def _with_gray_transparency(pixels: NDArray[Any], transparent_gray: int | None) -> NDArray[Any]:
    """Gray as BGRA where one of its grays is transparent, which OpenCV's decoder leaves out."""
    if transparent_gray is None:
        return pixels
    bgra = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGRA)
    bgra[pixels == transparent_gray, 3] = 0
    return bgra


def _to_eight_bits(pixels: NDArray[Any]) -> Pixels:
    if pixels.dtype == np.uint8:
        return pixels
    return cast("Pixels", cv2.convertScaleAbs(pixels, alpha=255 / 65535))
