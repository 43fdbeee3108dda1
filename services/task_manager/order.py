"""In which order images come: to those who read results, and to operators. Pure."""

import re
from typing import Literal

from services.task_manager.domain import Image, Task, agreement_of

Complete = Literal["id", "upload", "name"]
"""Orders in which every image has a place."""
By = Complete | Literal["newest", "uncertain", "confident"]
"""What results are sorted by. `newest` is `upload` backwards; `uncertain` is by agreement and `confident` the same
backwards: images that are open are not in them."""
_UPLOADED = re.compile(r"[0-9]{20}[0-9a-f]{32}")
_AGREED = re.compile(r"[01][0-9]{6}[0-9a-f]{32}")
KEYS: dict[By, re.Pattern[str]] = {
    "id": re.compile(r"[0-9a-f]{32}"),
    "upload": _UPLOADED,
    "name": re.compile(r"[^\x00-\x1f]{0,200}\x1f[0-9a-f]{32}"),
    "newest": _UPLOADED,
    "uncertain": _AGREED,
    "confident": _AGREED,
}
"""What the keys look like by which pages follow each other."""
BACKWARDS: frozenset[By] = frozenset({"newest", "confident"})
"""Orders in which the greatest key comes first."""
LAST = "~"
"""Greater than the keys of all orders that go backwards."""
MAX_NAME = 200
MAX_SHARED = 63


def key_of(image: Image, by: By) -> str:
    """An image's key in an order; it ends with the image's id, so that no two are equal. Empty: it has no place."""
    match by:
        case "id":
            return image.id
        case "name":
            return f"{natural(image.filename)}\x1f{image.id}"
        case "upload" | "newest":
            return f"{_uploaded_us(image):020}{image.id}"
        case "uncertain" | "confident":
            agreement = agreement_of(image)
            return "" if agreement is None else f"{round(agreement * 1e6):07}{image.id}"


def natural(name: str) -> str:
    """A name as people sort it: without case, and numbers by their value."""
    folded = re.sub(r"[\x00-\x1f]", " ", name.casefold())
    return re.sub(r"[0-9]+", _number, folded)[:MAX_NAME]


def place_of(task: Task, image: Image) -> int | None:
    """Where operators meet an image in the task's order, 0 to 2**62 - 1; None where it has none.

    By upload it is exact. By name, images are told apart by the first three bytes that differ from the name that came
    first to the task, which most names have much in common with; among equals the one uploaded first is first (for 36
    minutes, then the count begins anew).
    """
    order = task.terms.order
    if order not in ("upload", "name"):  # the others are the subtask manager's
        return None
    sequence = max(0, _uploaded_us(image) - round(task.created_at * 1e6))
    if order == "upload":
        return min(sequence, (1 << 50) - 1) << 12 | int(image.id[:3], 16)
    name, first = natural(image.filename).encode(), natural(task.first_name).encode()
    shared = next((n for n, (one, other) in enumerate(zip(name, first, strict=False)) if one != other), None)
    shared = min(len(name), len(first)) if shared is None else shared
    rest = int.from_bytes(name[shared : shared + 3].ljust(3, b"\0"))
    nearness = min(shared, MAX_SHARED)  # to the first name: among those after it the nearest is first, before it last
    side = 64 + MAX_SHARED - nearness if name >= first else nearness
    return side << 55 | rest << 31 | sequence % (1 << 31)


def _uploaded_us(image: Image) -> int:
    """When it was taken in, in microseconds since the epoch; images of older releases have no position."""
    return image.position or round(image.created_at * 1e6)


def _number(found: re.Match[str]) -> str:
    digits = found[0].lstrip("0") or "0"
    return f"{min(len(digits), 99):02}{digits}"
