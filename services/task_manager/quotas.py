"""How much a team may have of a task manager: bytes and images stored, and tasks that have not ended. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from services.task_manager.domain import Image
from shared.errors import QuotaReached

Quota = Literal["bytes", "images", "open_tasks"]
SAID: Mapping[Quota, str] = {
    "bytes": "the team's quota of bytes is used up: it may store {:,} bytes of images",
    "images": "the team's quota of images is used up: it may store {:,} images",
    "open_tasks": "the team's quota of open tasks is used up: it may have {:,} that have not ended",
}
UNENDED = ("open", "sealed")
"""States of tasks that count as open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a team has. bytes: of the stored pictures, without their renditions; images: of tasks that were not erased;
    open_tasks: those that have not ended."""

    bytes: int = 0
    images: int = 0
    open_tasks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What a team may have at the most; None: as much as it likes."""

    bytes: int | None = None
    images: int | None = None
    open_tasks: int | None = None

    @property
    def bounds_images(self) -> bool:
        """Whether it matters how much is stored."""
        return self.bytes is not None or self.images is not None


def image_refusal(allowed: Allowed, used: Usage, images: Sequence[Image]) -> QuotaReached | None:
    """Why a team may not have all of these images beside what it has; None: it may."""
    by_images = _refusal("images", allowed.images, wanted=used.images + len(images))
    return by_images or _refusal("bytes", allowed.bytes, wanted=used.bytes + bytes_of(images))


def refuse_images(allowed: Allowed, used: Usage, images: Sequence[Image]) -> None:
    """Raises QuotaReached where a team may not have all of these images beside what it has."""
    if refusal := image_refusal(allowed, used, images):
        raise refusal


def refuse_if_full(allowed: Allowed, used: Usage) -> None:
    """Raises QuotaReached where a team may not have even the smallest image beside what it has."""
    by_images = _refusal("images", allowed.images, wanted=used.images + 1)
    if refusal := by_images or _refusal("bytes", allowed.bytes, wanted=used.bytes + 1):
        raise refusal


def refuse_task(allowed: Allowed, used: Usage) -> None:
    """Raises QuotaReached where a team may have no further task."""
    if refusal := _refusal("open_tasks", allowed.open_tasks, wanted=used.open_tasks + 1):
        raise refusal


def _refusal(quota: Quota, most: int | None, *, wanted: int) -> QuotaReached | None:
    return None if most is None or wanted <= most else QuotaReached(SAID[quota].format(most), quota=quota)


def fitting(allowed: Allowed, used: Usage, images: Sequence[Image]) -> int:
    """How many of these images a team may have beside what it has, from the first on."""
    sizes = accumulate(image.size_bytes for image in images)
    by_bytes = len(images) if allowed.bytes is None else sum(used.bytes + size <= allowed.bytes for size in sizes)
    by_images = len(images) if allowed.images is None else max(0, allowed.images - used.images)
    return min(by_bytes, by_images, len(images))


def bytes_of(images: Sequence[Image]) -> int:
    """What these images count for."""
    return sum(image.size_bytes for image in images)
