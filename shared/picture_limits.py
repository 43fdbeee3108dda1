"""The largest picture that is taken: a setting of every service, also of those that look at none."""

from dataclasses import dataclass, replace

_STORED_PIXEL_BYTES = 5
"""Four channels of 8 bits as PNG, and room for what stands around them."""


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

    @property
    def of_stored(self) -> "PictureLimits":
        """Those of what is stored: pictures encoded here may take more bytes than a file that is sent."""
        return replace(self, max_bytes=max(self.max_bytes, _STORED_PIXEL_BYTES * self.max_pixels))
