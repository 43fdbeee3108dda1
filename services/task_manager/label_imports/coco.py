"""Objects as COCO has them: one JSON document, by itself or in an archive.

Ids are keys and no more: they may begin anywhere, have gaps, and be texts.
"""

import mmap
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any, cast

import orjson

from services.task_manager import archives
from services.task_manager.label_imports.json_parts import elements
from services.task_manager.label_imports.notebook import Notebook
from services.task_manager.label_imports.reading import (
    MAX_ROW_OBJECTS,
    TOO_MANY,
    Source,
    confidence_of,
    names_of,
    number_of,
    read_row,
    shown,
)
from services.task_manager.label_imports.rows import BadRow, Drawn, Row, Unread
from shared.errors import Invalid, TooLarge

MAX_DOCUMENT_BYTES = 64_000_000
MAX_CATEGORIES = 10_000
_LISTS = frozenset({"images", "categories", "annotations"})
_SIDES = 4
_EXACT = 2**53
"""Up to there each whole number has a float of its own."""
_NO_IMAGE = b""
"""The key of annotations that do not say which image they are of."""


def read_coco(source: Source) -> Iterator[Row | Unread]:
    """A document of images, categories and annotations, which is looked through once before the first row."""
    categories: dict[bytes, str] = {}
    counts = dict.fromkeys(_LISTS, 0)
    for kind, text in _parts(source):
        counts[kind] += 1
        content = _parsed(kind, counts[kind], text)
        if kind == "categories":
            _add_category(categories, content)
        elif kind == "images":
            _add_image(source.notebook, counts[kind], content)
        else:
            _add_annotation(source.notebook, counts[kind], content)
    if not counts["images"]:
        raise Invalid("the document has no 'images': COCO's results without them are not taken")
    return _rows(source.notebook, categories)


def _parts(source: Source) -> Iterator[tuple[str, bytes]]:
    source.file.seek(0)
    if archives.is_archive(source.file.read(4)):
        yield from elements(_in_archive(source), _LISTS)
        return
    if source.size_bytes > MAX_DOCUMENT_BYTES:
        raise TooLarge(f"the document is over the limit of {MAX_DOCUMENT_BYTES:,} bytes: split it by images")
    with closing(mmap.mmap(source.file.fileno(), 0, access=mmap.ACCESS_READ)) as document:
        yield from elements(document, _LISTS)


def _in_archive(source: Source) -> bytes:
    """The one document of an archive: that in a folder `annotations`, where there are others."""
    limits = replace(source.archives, max_entry_bytes=MAX_DOCUMENT_BYTES)
    archive = archives.open_archive(source.file, limits)
    found = [entry for entry in archive.entries if entry.name.text.casefold().endswith(".json")]
    if len(found) > 1:
        found = [entry for entry in found if "annotations" in entry.name.text.split("/")[:-1]]
    if len(found) != 1:
        raise Invalid(f"the archive has {len(found)} COCO documents in a folder 'annotations': send one at a time")
    return archives.read_entry(archive, found[0], limits)


def _parsed(kind: str, number: int, text: bytes) -> dict[str, Any]:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Invalid(f"number {number} of {kind!r} is not JSON") from None


def _key(value: object) -> bytes | None:
    """An id as a key; 1 and 1.0 are one, 1 and "1" are not. None for what is no id: also for a number of more than 64
    bits, for what is read of that is a float which others round to as well."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        value = int(value)
    return orjson.dumps(value) if isinstance(value, int | str) and not isinstance(value, bool) else None


def _add_category(categories: dict[bytes, str], content: dict[str, Any]) -> None:
    key, name = _key(content.get("id")), content.get("name")
    if key is None or not isinstance(name, str):
        raise Invalid("a category takes an id and a name")
    if categories.setdefault(key, name) != name:
        raise Invalid(f"two categories have the id {key.decode()[:100]}")
    if len(categories) > MAX_CATEGORIES:
        raise TooLarge(f"the document has more than {MAX_CATEGORIES:,} categories")


def _add_image(notebook: Notebook, number: int, content: dict[str, Any]) -> None:
    key = _key(content.get("id"))
    if key is None:
        raise Invalid(f"number {number} of 'images' has no id: that is a text, or a whole number of at most 64 bits")
    kept = {name: content.get(name) for name in ("file_name", "width", "height", "quorate")}
    if not notebook.add_image(key, orjson.dumps(kept)):
        raise Invalid(f"two images have the id {key.decode()[:100]}")


def _add_annotation(notebook: Notebook, number: int, content: dict[str, Any]) -> None:
    category = _key(content.get("category_id"))
    kept = {"number": number, "category": category and category.decode()}
    kept |= {name: content.get(name) for name in ("bbox", "score")}
    notebook.add_box(_key(content.get("image_id")) or _NO_IMAGE, orjson.dumps(kept))


def _rows(notebook: Notebook, categories: dict[bytes, str]) -> Iterator[Row | Unread]:
    for number, (key, body) in enumerate(notebook.images(), 1):
        content: dict[str, Any] = orjson.loads(body)
        name = content["file_name"] if isinstance(content["file_name"], str) else ""
        boxes = notebook.boxes_of(key, MAX_ROW_OBJECTS + 1)
        yield read_row(number, shown(name), partial(_row, number, name, content, boxes, categories))
    for body in notebook.boxes_of_none():
        number = orjson.loads(body)["number"]
        reason = "it names no image of the document"
        yield Unread(number=number, name=f"annotation {number}", reason=reason)


def _row(number: int, name: str, content: dict[str, Any], boxes: Sequence[bytes], categories: dict[bytes, str]) -> Row:
    """`quorate` is what an export of this platform says beside."""
    if len(boxes) > MAX_ROW_OBJECTS:
        raise BadRow(TOO_MANY)
    objects = tuple(_drawn(orjson.loads(box), categories) for box in boxes)
    more = cast("dict[str, Any]", content["quorate"]) if isinstance(content["quorate"], dict) else {}
    image_id, filename, label = (_text(more.get(one)) for one in ("image_id", "filename", "label"))
    names = names_of(image_id=image_id, filename=name or filename)
    if filename:
        names = replace(names, filenames=(*names.filenames, filename))
    sides = [content["width"], content["height"]]
    size = None if None in sides else (number_of(sides[0], "the width"), number_of(sides[1], "the height"))
    return Row(number=number, name=shown(name), names=names, label=label, objects=objects, size=size)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _drawn(content: dict[str, Any], categories: dict[bytes, str]) -> Drawn:
    number, category = content["number"], content["category"]
    label = None if category is None else categories.get(category.encode())
    if label is None:
        raise BadRow(f"annotation {number} has a category that the document does not have")
    bbox = content["bbox"]
    if not isinstance(bbox, list) or len(cast("list[object]", bbox)) != _SIDES:
        raise BadRow(f"annotation {number} has no bbox of four numbers")
    left, top, width, height = (number_of(side, "a side of a bbox") for side in cast("list[object]", bbox))
    if width < 0 or height < 0:
        raise BadRow(f"annotation {number} has a side below 0")
    confidence = confidence_of(content["score"])
    return Drawn(label=label, confidence=confidence, left=left, top=top, right=left + width, bottom=top + height)
