"""Pictures in a folder for each label, and a line of metadata for each picture.

torchvision and ultralytics take the folders, and number them as they sort; `datasets` takes the metadata.
"""

import csv
import io
from collections.abc import AsyncIterator
from contextlib import ExitStack, closing
from typing import Any

import orjson

from services.task_manager.domain import Image, agreement_of
from services.task_manager.exports.archive import Archive
from services.task_manager.exports.names import folders
from services.task_manager.exports.provenance import Provenance
from services.task_manager.exports.walk import Spooled, Walk
from shared.cells import cell
from shared.results import tally_of


async def imagefolder(walk: Walk) -> AsyncIterator[bytes]:
    """The archive. No folder is empty: some loaders refuse those."""
    folder_of = folders(walk.task.terms.labels)
    with ExitStack() as files:
        archive = files.enter_context(closing(Archive(walk.spool)))
        provenance = Provenance(walk, files)
        metadata: dict[str, Spooled] = {}
        yield archive.entry("classes.csv", _classes(walk.task.terms.labels, folder_of))
        async for picture in walk.pictures():
            image, part = picture.image, walk.wanted.part_of(picture.image)
            label = image.result and image.result.label
            if label is None or label not in folder_of:
                continue
            name = f"{folder_of[label]}/{picture.name}"
            yield archive.begin(f"{part}/{name}", len(picture.data), picture.crc)
            yield picture.data
            provenance.add([image])
            if part not in metadata:
                metadata[part] = Spooled(files, walk.spool)
            metadata[part].write(orjson.dumps(_metadata(image, name, label), option=orjson.OPT_APPEND_NEWLINE))
        for part, lines in sorted(metadata.items()):
            for piece in lines.entry(archive, f"{part}/metadata.jsonl"):
                yield piece
        async for piece in provenance.files(archive):
            yield piece


def _classes(labels: tuple[str, ...], folder_of: dict[str, str]) -> bytes:
    out = io.StringIO()
    rows = [("index", "label", "folder"), *((n, label, folder_of[label]) for n, label in enumerate(labels))]
    csv.writer(out, lineterminator="\r\n").writerows([cell(value) for value in row] for row in rows)
    return out.getvalue().encode()


def _metadata(image: Image, name: str, label: str) -> dict[str, Any]:
    """The same fields of the same types on every line: `datasets` takes the types of a column from its first lines."""
    return {
        "file_name": name,
        "label": label,
        "image_id": image.id,
        "filename": image.filename,
        "agreement": agreement_of(image) or 0.0,
        "decided_by": (image.result and image.result.decided_by) or "",
        "votes": orjson.dumps(dict(tally_of(image.votes))).decode(),
    }
