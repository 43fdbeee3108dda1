"""The way in: a file's bytes become a header, a picture to be stored, or pixels; or are refused with the reason."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from shared.pictures import bmp, jpeg, pixels, png, webp
from shared.pictures.budget import DecodingBudget
from shared.pictures.header import INKS, UPRIGHT, Format, Header, PictureLimits
from shared.pictures.refusals import PictureRejected, PictureTooLarge
from shared.pictures.signature import sniff

_MODULES = {"jpeg": jpeg, "png": png, "webp": webp, "bmp": bmp}
_EXTENSIONS: dict[Format, str] = {"jpeg": "jpg", "png": "png", "webp": "webp", "bmp": "bmp"}
_AROUND_BYTES = 1_000_000
"""What a decoder needs beside the pixels and the file, at the most: rows, tables, a profile."""
_TURNED = range(5, 9)
"""The EXIF orientations that swap width and height."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is to be stored: a picture without metadata, upright, in a form that browsers show.

    media_type, extension: such as `image/jpeg` and `jpg`.
    width, height: in pixels, upright.
    notes: what was changed on the way in, beside metadata, for the person who sent it.
    """

    data: bytes
    media_type: str
    extension: str
    width: int
    height: int
    notes: tuple[str, ...] = ()


def read_header(data: bytes, limits: PictureLimits) -> Header:
    """Read what a file says about itself, decoding nothing, and hold it against the limits.

    Raises PictureRejected, PictureTooLarge and PictureTypeUnsupported.
    """
    if not data:
        raise PictureRejected("the file is empty")
    if len(data) > limits.max_bytes:
        raise PictureTooLarge(f"the file's {len(data):,} bytes are over the limit of {limits.max_bytes:,} bytes")
    header = _MODULES[sniff(data)].read(data)
    _check_size(header.width, header.height, limits)
    return header


def check(data: bytes, limits: PictureLimits, budget: DecodingBudget | None = None) -> Picture:
    """Take a file as a picture: see that it decodes, remove its metadata, and turn it upright.

    The pixels stay byte for byte what they were, unless orientation or an unshowable mode asks for encoding them again.
    Waits for its part of the budget where there is one.
    Raises PictureRejected, PictureTooLarge and PictureTypeUnsupported.
    """
    header = read_header(data, limits)
    per_pixel = header.decoding_bytes if header.needs_reencoding else header.checking_bytes
    with _holding(budget, data, header, per_pixel):
        bare = _MODULES[header.format].strip(data)
        if header.needs_reencoding:
            stored, notes = _reencode(bare.data, header)
        else:
            stored, notes = bare.data, pixels.verify(bare.data, header)
    width, height = header.width, header.height
    if header.orientation in _TURNED:
        width, height = height, width
    return Picture(
        data=stored,
        media_type=f"image/{header.format}",
        extension=_EXTENSIONS[header.format],
        width=width,
        height=height,
        notes=(*bare.notes, *notes),
    )


def decode_bgr(data: bytes, limits: PictureLimits, budget: DecodingBudget | None = None) -> pixels.Pixels:
    """Decode a picture to H x W x 3, blue green red, 8 bits, upright; what is transparent lies on white.

    The limits are held against the header before anything is decoded; waits for its part of the budget where there is
    one.
    Raises PictureRejected, PictureTooLarge and PictureTypeUnsupported.
    """
    header = read_header(data, limits)
    with _holding(budget, data, header, header.decoding_bytes):
        decoded = pixels.decode(_MODULES[header.format].strip(data).data, header)
        return pixels.upright(pixels.to_bgr(decoded.pixels), header.orientation)


def _holding(
    budget: DecodingBudget | None, data: bytes, header: Header, bytes_per_pixel: int
) -> AbstractContextManager[None]:
    """Hold what the decoder will: its pixels, and the file twice more: its parts, and together."""
    if budget is None:
        return nullcontext()
    size = header.width * header.height * bytes_per_pixel + 2 * len(data) + _AROUND_BYTES
    return budget.holding(size, at_worst=size + header.table_bytes)


def _reencode(bare: bytes, header: Header) -> tuple[bytes, tuple[str, ...]]:
    decoded = pixels.decode(bare, header)
    encoded = pixels.encode(pixels.upright(decoded.pixels, header.orientation), header, decoded.colour_profile)
    return encoded, (*decoded.notes, *_reencoding_notes(header))


def _reencoding_notes(header: Header) -> Iterator[str]:
    if header.orientation != UPRIGHT:
        yield "the picture was turned upright"
    if header.components == INKS:
        yield "its inks (CMYK) became colours"
    elif header.format == "jpeg" and not header.is_showable:
        yield "its form of JPEG became one that browsers show"


def _check_size(width: int, height: int, limits: PictureLimits) -> None:
    size = f"{width:,} x {height:,} pixels"
    if width < 1 or height < 1:
        raise PictureRejected(f"the picture is empty: it has {size}")
    if width * height > limits.max_pixels:
        raise PictureRejected(f"{size} are over the limit of {limits.max_pixels:,} pixels")
    if max(width, height) > limits.max_side:
        raise PictureRejected(f"{size} are over the limit of {limits.max_side:,} pixels for a side")
