"""Results by the uploaded images that they belong to, with rectangles where those have them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby

from services.task_manager.domain import Image
from services.task_manager.order import key_of
from services.task_manager.store import TaskStore
from shared.pipelines import Origin
from shared.results import Prelabel, Rectangle

STEP = 500
MAX_IMAGES = 2_000
"""A page ends behind the uploaded image with which it has so many, those that were made of them included."""
LAST_ID = "f" * 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An uploaded image, and what was made of it, in the order of their places."""

    uploaded: Image
    derived: tuple[Image, ...]


async def groups(store: TaskStore, task_id: str, *, after: str, limit: int) -> tuple[list[Group], str]:
    """Groups in the order of upload, `limit` at the most, and the key behind which to go on; empty where there are no
    more. An image that was made of another has the place of that one, so that a group lies together."""
    found: list[Image] = []
    while True:
        last = key_of(found[-1], "upload") if found else after
        images = await store.images(task_id, state=None, label=None, after=last, limit=STEP, by="upload")
        found += images
        if len(images) < STEP:
            return _cut(_groups(found), limit)
        whole = [one for one in found if _place(one) != _place(found[-1])]
        complete = _groups(whole)
        if len(complete) >= limit or len(whole) >= MAX_IMAGES:
            kept, end = _cut(complete, limit)
            return kept, end or _end_of(whole[-1])


def _cut(complete: list[Group], limit: int) -> tuple[list[Group], str]:
    kept, images = list[Group](), 0
    for group in complete:
        is_full = len(kept) >= limit or images >= MAX_IMAGES
        if is_full and _place(group.uploaded) != _place(kept[-1].uploaded):
            return kept, _end_of(kept[-1].uploaded)
        kept.append(group)
        images += 1 + len(group.derived)
    return kept, ""


def _end_of(image: Image) -> str:
    """The key behind all images that lie together with this one."""
    return key_of(replace(image, id=LAST_ID), "upload")


def _groups(images: Iterable[Image]) -> list[Group]:
    """Those of images in the order of upload; images of an uploaded one that was removed are left out."""
    complete: list[Group] = []
    for _, together in groupby(images, key=_place):
        beside = list(together)
        for uploaded in beside:
            if uploaded.origin is None:
                made = [one for one in beside if one.origin is not None and one.origin.image_id == uploaded.id]
                shown = sorted((one for one in made if one.state != "derived"), key=_path)
                complete.append(Group(uploaded=uploaded, derived=tuple(map(in_uploaded, shown))))
    return complete


def _place(image: Image) -> str:
    """The place of a group in the order of upload."""
    return key_of(image, "upload").removesuffix(image.id)


def _path(image: Image) -> tuple[tuple[int, int], ...]:
    return image.origin.path if image.origin else ()


def in_uploaded(image: Image) -> Image:
    """A derived image with the rectangles of its pre-labels in pixels of the uploaded one."""
    origin = image.origin
    if origin is None:
        return image
    imported = image.imported and replace(image.imported, prelabel=_mapped(image.imported.prelabel, origin))
    return replace(image, prelabel=image.prelabel and _mapped(image.prelabel, origin), imported=imported)


def _mapped(prelabel: Prelabel, origin: Origin) -> Prelabel:
    objects = (replace(one, rectangle=mapped(one.rectangle, origin)) for one in prelabel.objects)
    return replace(prelabel, objects=tuple(objects))


def mapped(rectangle: Rectangle, origin: Origin) -> Rectangle:
    """A rectangle in whole pixels of the uploaded image, of one pixel at the least."""
    a, b, tx, c, d, ty = origin.affine
    xs = (rectangle.left, rectangle.left + rectangle.width)
    ys = (rectangle.top, rectangle.top + rectangle.height)
    wide = sorted(a * x + b * y + tx for x in xs for y in ys)
    high = sorted(c * x + d * y + ty for x in xs for y in ys)
    left, width = _span(wide[0], wide[-1], origin.width)
    top, height = _span(high[0], high[-1], origin.height)
    return Rectangle(left=left, top=top, width=width, height=height)


def _span(first: float, last: float, length: int) -> tuple[int, int]:
    begin = min(max(0, round(first)), length - 1)
    return begin, min(max(begin + 1, round(last)), length) - begin
