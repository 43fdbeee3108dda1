"""A detector's objects as COCO has them: one JSON document, of images first and then of annotations.

So it takes two walks. Where an image changed between them the document ends early, and no reader takes it.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

import orjson

from services.task_manager.domain import Image, agreement_of
from services.task_manager.exports.archive import Archive
from services.task_manager.exports.boxes import Box, boxes_of
from services.task_manager.exports.names import picture_name
from services.task_manager.exports.provenance import Provenance, Seen
from services.task_manager.exports.walk import Spooled, Walk
from services.task_manager.exports.wanted import EXPORT_VERSION
from shared.errors import Conflict

PREDICTED = "predicted by a detector, not drawn by people"


class ChangedMeanwhile(Conflict):
    """Results changed while they were exported: export them again."""

    code = "changed-meanwhile"


@dataclass(slots=True)
class Sums:
    """What a walk has met: both have to meet the same."""

    images: int = 0
    boxes: int = 0
    revisions: int = 0

    def add(self, image: Image, boxes: int) -> None:
        self.images += 1
        self.boxes += boxes
        self.revisions += image.result.revision if image.result else 0


async def coco(walk: Walk) -> AsyncIterator[bytes]:
    """The document; with pictures, an archive of it and them."""
    if not walk.wanted.has_images:
        async for piece in _document(walk, Seen()):
            yield piece
        return
    with ExitStack() as files:
        archive = files.enter_context(closing(Archive(walk.spool)))
        provenance = Provenance(walk, files)
        annotations = Spooled(files, walk.spool)
        async for picture in walk.pictures():
            provenance.add([picture.image])
            yield archive.begin(f"images/{picture.name}", len(picture.data), picture.crc)
            yield picture.data
        async for piece in _document(walk, Seen()):
            annotations.write(piece)
        for piece in annotations.entry(archive, "annotations/instances.json"):
            yield piece
        async for piece in provenance.files(archive, objects=PREDICTED):
            yield piece


async def _document(walk: Walk, seen: Seen) -> AsyncIterator[bytes]:
    category_of = {label: number for number, label in enumerate(walk.task.terms.labels, 1)}
    first, second = Sums(), Sums()

    def images_of(images: Sequence[Image]) -> bytes:
        seen.add(images)
        return b"".join(_written(_image(image, first), first.images) for image in images)

    def annotations_of(images: Sequence[Image]) -> bytes:
        return b"".join(
            _written(annotation, annotation["id"])
            for image in images
            for annotation in _annotations(image, second, category_of)
        )

    def _image(image: Image, sums: Sums) -> dict[str, Any]:
        sums.add(image, len(_boxes(image, category_of)))
        return _image_shown(image, sums.images)

    yield _head(walk, category_of)
    async for written in walk.written(images_of):
        yield written
    yield b'\n],"annotations":['
    async for written in walk.written(annotations_of):
        yield written
    if first != second:
        raise ChangedMeanwhile("results changed while they were exported: export them again")
    yield b"\n]}\n"


def _head(walk: Walk, category_of: dict[str, int]) -> bytes:
    about = {"task_id": walk.task.id, "export": EXPORT_VERSION, "objects": PREDICTED}
    head = {
        "info": {"description": walk.task.name, "version": str(EXPORT_VERSION), "quorate": about},
        "licenses": [],
        "categories": [{"id": number, "name": label, "supercategory": ""} for label, number in category_of.items()],
    }
    return orjson.dumps(head)[:-1] + b',"images":['


def _written(row: dict[str, Any], number: int) -> bytes:
    return (b"\n" if number == 1 else b",\n") + orjson.dumps(row)


def _image_shown(image: Image, number: int) -> dict[str, Any]:
    return {
        "id": number,
        "file_name": picture_name(image.id, image.object_key),
        "width": image.width,
        "height": image.height,
        "quorate": {
            "image_id": image.id,
            "filename": image.filename,
            "label": image.result and image.result.label,
            "agreement": agreement_of(image),
        },
    }


def _boxes(image: Image, category_of: dict[str, int]) -> list[Box]:
    return [box for box in boxes_of(image) if box.label in category_of]


def _annotations(image: Image, sums: Sums, category_of: dict[str, int]) -> list[dict[str, Any]]:
    boxes = _boxes(image, category_of)
    first_id = sums.boxes + 1
    sums.add(image, len(boxes))
    model = image.prelabel.model if image.prelabel else None
    return [_annotation(box, first_id + n, sums.images, category_of[box.label], model) for n, box in enumerate(boxes)]


def _annotation(box: Box, number: int, image_number: int, category: int, model: str | None) -> dict[str, Any]:
    """`segmentation` is empty: with the rectangle as a polygon, some readers take every object twice."""
    place = box.rectangle
    return {
        "id": number,
        "image_id": image_number,
        "category_id": category,
        "bbox": [place.left, place.top, place.width, place.height],
        "area": place.width * place.height,
        "iscrowd": 0,
        "segmentation": [],
        "score": box.confidence,
        "quorate": {"source": "prediction", "model": model},
    }
