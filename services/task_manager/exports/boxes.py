"""The objects of an image as loaders want them: in classes by number, and in their units. Pure."""

from dataclasses import dataclass

from services.task_manager.domain import Image
from shared.results import Prelabel, Rectangle

MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """An object that a detector found, or that an imported file has. `label` is one of the task's, and `rectangle` lies
    within the image."""

    label: str
    confidence: float
    rectangle: Rectangle


def proposal_of(image: Image) -> Prelabel | None:
    """Who says which objects an image has: a file that was imported, where it says anything of objects, else the
    detector."""
    imported = image.imported and image.imported.prelabel
    if imported is not None and (imported.objects or imported.label is None):
        return imported
    return image.prelabel


def boxes_of(image: Image) -> list[Box]:
    """An image's objects, in the order of who says them: within the image, and nothing twice."""
    proposal = proposal_of(image)
    found: dict[tuple[str, Rectangle], Box] = {}
    for one in proposal.objects if proposal else ():
        rectangle = within(one.rectangle, image.width, image.height)
        if rectangle is not None:
            box = Box(label=one.label, confidence=one.confidence, rectangle=rectangle)
            found.setdefault((one.label, rectangle), box)
    return list(found.values())


def within(rectangle: Rectangle, width: int, height: int) -> Rectangle | None:
    """The part of a rectangle that lies within an image; None where there is none."""
    left, top = max(0, rectangle.left), max(0, rectangle.top)
    right = min(width, rectangle.left + rectangle.width)
    bottom = min(height, rectangle.top + rectangle.height)
    if right <= left or bottom <= top:
        return None
    return Rectangle(left=left, top=top, width=right - left, height=bottom - top)


def yolo_line(class_index: int, rectangle: Rectangle, width: int, height: int) -> str:
    """A class and a rectangle by its centre and size, as shares of the image.

    The edges are rounded to millionths, and centre and size computed from them: so both edges lie within 0 and 1
    however a reader computes them.
    """
    center_x, share_x = _center_and_size(rectangle.left, rectangle.width, width)
    center_y, share_y = _center_and_size(rectangle.top, rectangle.height, height)
    return f"{class_index} {center_x} {center_y} {share_x} {share_y}"


def percent(rectangle: Rectangle, width: int, height: int) -> dict[str, float]:
    """A rectangle in percent of the image."""
    return {
        "x": rectangle.left * 100 / width,
        "y": rectangle.top * 100 / height,
        "width": rectangle.width * 100 / width,
        "height": rectangle.height * 100 / height,
    }


def _center_and_size(begin: int, size: int, whole: int) -> tuple[str, str]:
    first = _millionths(begin, whole)
    last = _millionths(begin + size, whole)
    center = (first + last) * 5  # in ten-millionths
    return f"{center // (10 * MILLION)}.{center % (10 * MILLION):07}", _share(last - first)


def _millionths(part: int, whole: int) -> int:
    return (2 * part * MILLION + whole) // (2 * whole)


def _share(millionths: int) -> str:
    return f"{millionths // MILLION}.{millionths % MILLION:06}"
