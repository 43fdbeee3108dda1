"""Tasks of Label Studio: what people and a detector said, as predictions."""

from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, closing
from itertools import count
from typing import Any

import orjson

from services.task_manager.domain import Image, agreement_of
from services.task_manager.exports.archive import Archive
from services.task_manager.exports.boxes import boxes_of, percent, proposal_of
from services.task_manager.exports.names import picture_name
from services.task_manager.exports.provenance import Provenance
from services.task_manager.exports.walk import Spooled, Walk

LOCAL_FILES = "/data/local-files/?d="
"""How Label Studio addresses the files of a folder that it serves."""
_BEGIN, _END = b"[", b"\n]\n"


async def labelstudio(walk: Walk) -> AsyncIterator[bytes]:
    """The array of tasks; with pictures, an archive of it and them."""
    numbers = count()

    def lines(images: Sequence[Image]) -> bytes:
        return b"".join((b",\n" if next(numbers) else b"\n") + orjson.dumps(_task(image)) for image in images)

    if not walk.wanted.has_images:
        yield _BEGIN
        async for piece in walk.written(lines):
            yield piece
        yield _END
        return
    with ExitStack() as files:
        archive = files.enter_context(closing(Archive(walk.spool)))
        provenance = Provenance(walk, files)
        tasks = Spooled(files, walk.spool)
        tasks.write(_BEGIN)
        async for picture in walk.pictures():
            provenance.add([picture.image])
            tasks.write(lines([picture.image]))
            yield archive.begin(f"images/{picture.name}", len(picture.data), picture.crc)
            yield picture.data
        tasks.write(_END)
        for piece in tasks.entry(archive, "tasks.json"):
            yield piece
        async for piece in provenance.files(archive):
            yield piece


def _task(image: Image) -> dict[str, Any]:
    path = f"images/{picture_name(image.id, image.object_key)}"
    predictions = [one for one in (_of_people(image), _of_detector(image)) if one is not None]
    data = {"image": f"{LOCAL_FILES}{path}", "image_id": image.id, "filename": image.filename}
    return {"data": data, "predictions": predictions}


def _of_people(image: Image) -> dict[str, Any] | None:
    if image.result is None or image.result.label is None:
        return None
    value = {"choices": [image.result.label]}
    result = {"id": "label", "type": "choices", "from_name": "label", "to_name": "image", "value": value}
    return {"model_version": "quorate", "score": agreement_of(image), "result": [result]}


def _of_detector(image: Image) -> dict[str, Any] | None:
    boxes, proposal = boxes_of(image), proposal_of(image)
    if proposal is None or not boxes:
        return None
    results = [
        {
            "id": f"object{number}",
            "type": "rectanglelabels",
            "from_name": "objects",
            "to_name": "image",
            "original_width": image.width,
            "original_height": image.height,
            "image_rotation": 0,
            "value": percent(box.rectangle, image.width, image.height)
            | {"rotation": 0, "rectanglelabels": [box.label]},
            "score": box.confidence,
        }
        for number, box in enumerate(boxes)
    ]
    return {"model_version": proposal.model, "score": proposal.confidence, "result": results}
