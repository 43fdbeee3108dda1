"""The largest picture that is taken: a setting of every service, also of those that look at none."""

from dataclasses import dataclass


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
