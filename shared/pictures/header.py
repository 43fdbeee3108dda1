"""What a picture says about itself, and the limits it has to keep."""

from dataclasses import dataclass
from typing import Literal

Format = Literal["jpeg", "png", "webp", "bmp"]

UPRIGHT = 1
"""The EXIF orientation of a picture that is stored as it is to be seen."""

ORIENTATIONS = range(UPRIGHT, 9)
"""All EXIF orientations; those from 5 swap width and height."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureLimits:
    """The largest picture that is taken.

    max_bytes: the size of the file.
    max_pixels: width times height.
    max_side: width and height each, in pixels.
    """

    max_bytes: int = 20_000_000
    max_pixels: int = 25_000_000
    max_side: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is read from the bytes alone, before any decoding.

    width, height: in pixels as stored, before the orientation is applied.
    orientation: as in EXIF, 1 (upright) to 8.
    is_showable: whether browsers show such a picture: not so with CMYK or lossless JPEG and 16-bit PNG.
    is_lossless: whether the picture holds every pixel exactly.
    ignores_alpha: whether a fourth channel, where there is one, means nothing: so in a BMP without a mask for it.
    transparent_gray: the gray that is transparent in a gray PNG, at the scale of the decoded samples.
    """

    format: Format
    width: int
    height: int
    orientation: int = UPRIGHT
    is_showable: bool = True
    is_lossless: bool = False
    ignores_alpha: bool = False
    transparent_gray: int | None = None

    @property
    def needs_reencoding(self) -> bool:
        """Whether removing metadata is not enough to show the picture everywhere as it is meant."""
        return self.orientation != UPRIGHT or not self.is_showable
