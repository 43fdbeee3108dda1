"""The way in: a file's bytes become a header, a picture to be stored, or pixels; or are refused with the reason."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from shared import renditions
from shared.errors import NotFound
from shared.picture_limits import PictureLimits
from shared.pictures import bmp, jpeg, jpeg_pixels, pixels, png, reduced, webp
from shared.pictures.budget import DecodingBudget
from shared.pictures.encoding import is_gray
from shared.pictures.header import INKS, UPRIGHT, Format, Header
from shared.pictures.pixels import Decoded
from shared.pictures.refusals import PictureRejected, refuse_large_file
from shared.pictures.signature import sniff
from shared.renditions import Rendition

_MODULES = {"jpeg": jpeg, "png": png, "webp": webp, "bmp": bmp}
_EXTENSIONS: dict[Format, str] = {"jpeg": "jpg", "png": "png", "webp": "webp", "bmp": "bmp"}
_CHEAP_REDUCTION = 4
"""A JPEG is decoded to a quarter of its sides almost as fast as to an eighth; to a half it takes half as long again."""
_AROUND_BYTES = 1_000_000
"""What decoders need beside the pixels and the file, at the most: rows, tables, a profile."""
_RENDITION_BYTES = 4
"""What a rendition takes for each pixel, encoded beside."""
_TURNED = range(5, 9)
"""The EXIF orientations that swap width and height."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is to be stored: a picture without metadata, upright, in a form that browsers show.

    media_type, extension: such as `image/jpeg` and `jpg`.
    width, height: in pixels, upright.
    notes: what was changed on the way in, beside metadata, for the person who sent it.
    renditions: the smallest first, those that what was decoded for the check sufficed for.
    """

    data: bytes
    media_type: str
    extension: str
    width: int
    height: int
    notes: tuple[str, ...] = ()
    renditions: tuple[bytes, ...] = ()


def read_header(data: bytes, limits: PictureLimits) -> Header:
    """Read what a file says about itself, decoding nothing, and hold it against the limits.

    Raises PictureRejected, PictureTooLarge and PictureTypeUnsupported.
    """
    if not data:
        raise PictureRejected("the file is empty")
    refuse_large_file(data, limits.max_bytes)
    header = _MODULES[sniff(data)].read(data)
    _check_size(header.width, header.height, limits)
    return header


def check(data: bytes, limits: PictureLimits, budget: DecodingBudget | None = None) -> Picture:
    """Take a file as a picture: see that it decodes, remove its metadata, turn it upright, and make its renditions.

    The pixels stay byte for byte what they were, unless orientation or an unshowable mode asks for encoding them again.
    Waits for its part of the budget where there is one.
    Raises PictureRejected, PictureTooLarge and PictureTypeUnsupported.
    """
    header = read_header(data, limits)
    wanted = renditions.of(header.width, header.height)
    with _holding(budget, header, checking_bytes(header, len(data))):
        bare = _MODULES[header.format].strip(data)
        if header.needs_reencoding:
            decoded = _upright(bare.data, header)
            stored = pixels.encode(decoded.pixels, header, decoded.colour_profile)
            notes = (*decoded.notes, *_reencoding_notes(header))
        else:
            decoded = pixels.look(bare.data, header, long_side=_looked_at(header, wanted))
            stored, notes = bare.data, decoded.notes if decoded else ()
        made = _renditions(decoded, wanted, header) if decoded else ()
    width, height = _upright_size(header)
    return Picture(
        data=stored,
        media_type=f"image/{header.format}",
        extension=_EXTENSIONS[header.format],
        width=width,
        height=height,
        notes=(*bare.notes, *notes),
        renditions=made,
    )


def rendition(data: bytes, wanted: Rendition, limits: PictureLimits, budget: DecodingBudget | None = None) -> bytes:
    """Make one rendition of a picture that `check` took. Raises what `check` raises, and NotFound where a picture of
    its size has no such rendition."""
    header = read_header(data, limits)
    if wanted not in renditions.of(header.width, header.height):
        raise NotFound("the picture is no larger than its rendition would be")
    size = decoding_bytes if header.format == "png" else checking_bytes
    with _holding(budget, header, size(header, len(data))):
        bare = _MODULES[header.format].strip(data).data
        decoded = None if header.needs_reencoding else pixels.look(bare, header, long_side=wanted.long_side)
        return _renditions(decoded or _upright(bare, header), [wanted], header)[0]


def decode_bgr(data: bytes, limits: PictureLimits, budget: DecodingBudget | None = None) -> pixels.Pixels:
    """Decode a picture to H x W x 3, blue green red, 8 bits, upright; what is transparent lies on white.

    The limits are held against the header before anything is decoded; waits for its part of the budget where there is
    one.
    Raises PictureRejected, PictureTooLarge and PictureTypeUnsupported.
    """
    header = read_header(data, limits)
    with _holding(budget, header, decoding_bytes(header, len(data))):
        return pixels.to_bgr(_upright(_MODULES[header.format].strip(data).data, header).pixels)


def checking_bytes(header: Header, file_bytes: int) -> int:
    """How much memory `check` holds at the most."""
    if header.needs_reencoding:
        return decoding_bytes(header, file_bytes)
    wanted = renditions.of(header.width, header.height)
    reduced_bytes = jpeg_pixels.reduced_bytes(header, _looked_at(header, wanted)) if header.format == "jpeg" else 0
    made_bytes = _RENDITION_BYTES * _long_side(wanted) ** 2
    return header.width * header.height * header.checking_bytes + reduced_bytes + made_bytes + _around_bytes(file_bytes)


def decoding_bytes(header: Header, file_bytes: int) -> int:
    """How much memory it takes at the most to decode a picture and encode it again, or to make its renditions."""
    return header.width * header.height * header.decoding_bytes + _around_bytes(file_bytes)


def _around_bytes(file_bytes: int) -> int:
    """What is held beside the pixels: above all the file twice more, its parts and together."""
    return 2 * file_bytes + _AROUND_BYTES


def _holding(budget: DecodingBudget | None, header: Header, size: int) -> AbstractContextManager[None]:
    return nullcontext() if budget is None else budget.holding(size, at_worst=size + header.table_bytes)


def _looked_at(header: Header, wanted: Sequence[Rendition]) -> int:
    """The longer side down to which a picture is looked at on the way in: its thumbnail's, where that takes little."""
    is_cheap = wanted and max(header.width, header.height) >= _CHEAP_REDUCTION * wanted[0].long_side
    return wanted[0].long_side if is_cheap else 0


def _long_side(wanted: Sequence[Rendition]) -> int:
    return wanted[-1].long_side if wanted else 0


def _upright(bare: bytes, header: Header) -> Decoded:
    decoded = pixels.decode(bare, header)
    return replace(decoded, pixels=pixels.upright(decoded.pixels, header.orientation))


def _renditions(decoded: Decoded, wanted: Sequence[Rendition], header: Header) -> tuple[bytes, ...]:
    """The wanted ones that what was decoded suffices for."""
    sufficed = [one for one in wanted if one.long_side <= max(decoded.pixels.shape[:2])]
    if not sufficed:
        return ()
    seen = decoded.pixels if is_gray(decoded.pixels) else pixels.to_bgr(decoded.pixels)
    return reduced.made(seen, sufficed, decoded.colour_profile, of=_upright_size(header))


def _upright_size(header: Header) -> tuple[int, int]:
    """Width and height."""
    is_turned = header.orientation in _TURNED
    return (header.height, header.width) if is_turned else (header.width, header.height)


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
