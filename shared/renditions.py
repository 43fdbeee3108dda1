"""Renditions: smaller copies of an image for eyes. Which there are, and of which pictures."""

from dataclasses import dataclass

SCREEN_PIXELS = 4_000_000
"""From so many pixels on, people look at the screen rendition rather than at the picture itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """A JPEG of the whole picture.

    name: of its object, after the image's.
    long_side: of its longer side, in pixels.
    quality: of the JPEG, 1 to 100.
    """

    name: str
    long_side: int
    quality: int


THUMBNAIL = Rendition(name="t320", long_side=320, quality=75)
SCREEN = Rendition(name="s1600", long_side=1600, quality=85)
ALL = {rendition.name: rendition for rendition in (THUMBNAIL, SCREEN)}


def of(width: int, height: int) -> tuple[Rendition, ...]:
    """The renditions of a picture, the smallest first: a picture that is as small itself has none."""
    found = (THUMBNAIL,) if max(width, height) > THUMBNAIL.long_side else ()
    return (*found, SCREEN) if width * height >= SCREEN_PIXELS else found
