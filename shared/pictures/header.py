"""What a picture says about itself."""

from dataclasses import dataclass
from typing import Literal

Format = Literal["jpeg", "png", "webp", "bmp"]

UPRIGHT = 1
"""The EXIF orientation of a picture that is stored as it is to be seen."""

INKS = 4
"""How many components a JPEG has whose samples are inks."""

ORIENTATIONS = range(UPRIGHT, 9)
"""All EXIF orientations; those from 5 swap width and height."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is read from the bytes alone, before any decoding.

    width, height: in pixels as stored, before the orientation is applied.
    orientation: as in EXIF, 1 (upright) to 8.
    is_showable: whether browsers show such a picture: not so with CMYK or lossless JPEG and 16-bit PNG.
    is_lossless: whether the picture holds every pixel exactly.
    ignores_alpha: whether a fourth channel, where there is one, means nothing: so in a BMP without a mask for it.
    transparent_gray: the gray that is transparent in a gray PNG, at the scale of the decoded samples.
    significant_bits: of how many bits the samples were, where a PNG of 16 bits says so.
    components: of a JPEG: 1 where it is gray, 3 where it has colours, 4 where they are inks.
    is_dct: whether a JPEG is baseline, extended or progressive, and so can be decoded at a reduced scale.
    checking_bytes, decoding_bytes: how much memory per pixel it takes at the most to see that the picture decodes, and
        to decode it, bring it into another form, and encode it.
    table_bytes: how much memory the tables that a hostile file describes could take beside; in others it is little.
    """

    format: Format
    width: int
    height: int
    orientation: int = UPRIGHT
    is_showable: bool = True
    is_lossless: bool = False
    ignores_alpha: bool = False
    transparent_gray: int | None = None
    significant_bits: int | None = None
    components: int = 3
    is_dct: bool = False
    checking_bytes: int = 0
    decoding_bytes: int
    table_bytes: int = 0

    @property
    def needs_reencoding(self) -> bool:
        """Whether removing metadata is not enough to show the picture everywhere as it is meant."""
        return self.orientation != UPRIGHT or not self.is_showable


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """A file without metadata and without what followed the picture's own data; `notes` say what else was changed."""

    data: bytes
    notes: tuple[str, ...] = ()


def left_out(trailing_bytes: int) -> tuple[str, ...]:
    """The note on so many bytes after the picture's end; none where there were none."""
    if not trailing_bytes:
        return ()
    return (f"{trailing_bytes:,} bytes after the picture's end were left out",)
