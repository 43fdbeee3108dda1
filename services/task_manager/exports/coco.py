"""A detector's objects as COCO has them: one JSON document, of images first and then of annotations.

One walk gives both: the annotations wait on the disk until the last image.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, closing
from typing import Any

import orjson

from services.task_manager.domain import Image, agreement_of
from services.task_manager.exports.archive import Archive
from services.task_manager.exports.boxes import Box, boxes_of, proposal_of
from services.task_manager.exports.names import picture_name
from services.task_manager.exports.provenance import Provenance
from services.task_manager.exports.walk import Spooled, Walk
from services.task_manager.exports.wanted import EXPORT_VERSION
from shared.results import IMPORT

PREDICTED = "predicted by a detector, not drawn by people"


async def coco(walk: Walk) -> AsyncIterator[bytes]:
    """The document; with pictures, an archive of it and them."""
    with ExitStack() as files:
        document = _Document(walk, files)
        if not walk.wanted.has_images:
            yield document.head()
            async for lines in walk.written(document.add):
                yield lines
            for piece in document.rest():
                yield piece
            return
        archive = files.enter_context(closing(Archive(walk.spool)))
        provenance = Provenance(walk, files)
        instances = Spooled(files, walk.spool)
        instances.write(document.head())
        async for picture in walk.pictures():
            provenance.add([picture.image])
            instances.write(document.add([picture.image]))
            yield archive.begin(f"images/{picture.name}", len(picture.data), picture.crc)
            yield picture.data
        await asyncio.to_thread(instances.write_all, document.rest())
        for piece in instances.entry(archive, "annotations/instances.json"):
            yield piece
        async for piece in provenance.files(archive, objects=PREDICTED):
            yield piece


class _Document:
    """The document in its three parts: what `head` gives, the images' lines as `add` gives them, and the rest."""

    def __init__(self, walk: Walk, files: ExitStack) -> None:
        self._walk = walk
        self._category_of = {label: number for number, label in enumerate(walk.task.terms.labels, 1)}
        self._annotations = Spooled(files, walk.spool)
        self._image_count = 0
        self._box_count = 0

    def head(self) -> bytes:
        return _head(self._walk, self._category_of)

    def add(self, images: Sequence[Image]) -> bytes:
        """The lines of these images; their annotations are kept for the rest."""
        return b"".join(map(self._add, images))

    def rest(self) -> Iterator[bytes]:
        yield b'\n],"annotations":['
        yield from self._annotations.content()
        yield b"\n]}\n"

    def _add(self, image: Image) -> bytes:
        self._image_count += 1
        proposal = proposal_of(image)
        model = proposal.model if proposal else None
        for box in boxes_of(image):
            category = self._category_of.get(box.label)
            if category is not None:
                self._box_count += 1
                annotation = _annotation(box, self._box_count, self._image_count, category, model)
                self._annotations.write(_written(annotation, self._box_count))
        return _written(_image_shown(image, self._image_count), self._image_count)


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


def source_of(model: str | None) -> str:
    """Where an object comes from."""
    return "import" if model is not None and model.startswith(IMPORT) else "prediction"


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
        "quorate": {"source": source_of(model), "model": model},
    }
