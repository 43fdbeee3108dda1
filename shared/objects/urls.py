"""Where an image and its renditions can be read."""

from typing import Any

from shared import renditions
from shared.objects import ObjectStore
from shared.objects.keys import kept_renditions, rendition_key
from shared.renditions import SCREEN, THUMBNAIL, Rendition

DERIVED = "/api/renditions"
"""Below it the task manager serves the renditions that were not stored with their image, and makes them first."""


def image_urls(objects: ObjectStore, key: str, *, width: int, height: int, now: float) -> dict[str, Any]:
    """The URLs of an image as fields of an answer. `width` and `height` are 0 where they are not known."""
    image_url = objects.url(key, now=now)
    found = renditions.of(width, height)
    kept = found[: kept_renditions(key)]

    def url(rendition: Rendition) -> str:
        its_key = rendition_key(key, rendition)
        return objects.url(its_key, now=now) if rendition in kept else f"{DERIVED}/{its_key}"

    return {
        "image_url": image_url,
        "thumbnail_url": url(THUMBNAIL) if THUMBNAIL in found else image_url,
        "screen_url": url(SCREEN) if SCREEN in found else None,
    }
