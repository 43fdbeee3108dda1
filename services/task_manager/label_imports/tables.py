"""Labels as a table (CSV) and as lines of JSON, as exports have them and as people write them."""

import csv
import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, cast

from services.task_manager.label_imports.reading import (
    MAX_ROW_OBJECTS,
    TOO_MANY,
    Source,
    confidence_of,
    lines,
    names_of,
    number_of,
    read_row,
    shown,
)
from services.task_manager.label_imports.rows import BadRow, Drawn, Row, Unread
from shared.cells import text_of
from shared.errors import Invalid, QuorateError
from shared.http.requests import read_json

TOO_LONG = "the line is over the limit of 1,000,000 bytes"
NO_LABEL = "it has no label"
ALIASES: Mapping[str, Sequence[str]] = {
    "id": ("image_id", "id"),
    "sha256": ("sha256",),
    "filename": ("filename", "file_name", "file", "image", "path"),
    "label": ("label", "class", "class_name", "category"),
    "confidence": ("confidence", "score"),
}
"""By which names, the first that is there, a column or a field is known."""
MAX_HEADER_BYTES = 10_000
_SEPARATORS = ",;\t"
_NUMBER = re.compile(r"[0-9]{1,10}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?")


def read_csv(source: Source) -> Iterator[Row | Unread]:
    """A table with a header, in UTF-8, with commas, semicolons or tabs between the cells."""
    source.file.seek(0)
    first = source.file.readline(MAX_HEADER_BYTES).removeprefix(BOM_UTF8)
    try:
        header = first.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Invalid("the table is not in UTF-8") from None
    separator = max(_SEPARATORS, key=header.count)
    try:
        columns = [name.strip().casefold() for name in next(csv.reader([header], delimiter=separator), [])]
    except csv.Error:
        raise Invalid("the first line is no row of a table: where lines end with CR alone, save it with LF") from None
    place_of = {known: columns.index(name) for known, name in _known(columns).items()}
    if "label" not in place_of or place_of.keys().isdisjoint(("id", "sha256", "filename")):
        raise Invalid("the first line has to name the columns: label, and one of filename, id, sha256")
    return _table(source, separator, len(columns), place_of)


def _known(names: Sequence[str]) -> dict[str, str]:
    """For what is known here the name by which it is there."""
    found = {known: next((one for one in aliases if one in names), None) for known, aliases in ALIASES.items()}
    return {known: name for known, name in found.items() if name is not None}


class _Broken(Exception):
    """A line that ends a table's row, for what is in it."""


def _table(source: Source, separator: str, width: int, place_of: Mapping[str, int]) -> Iterator[Row | Unread]:
    last, rest = 1, lines(source.file)

    def texts() -> Iterator[str]:
        nonlocal last
        for number, line in rest:
            last = number + 1  # the header was the first
            if line is None:
                raise _Broken(TOO_LONG)
            try:
                yield line.decode()
            except UnicodeDecodeError:
                raise _Broken("the line is not in UTF-8") from None

    table = csv.reader(texts(), delimiter=separator, strict=True)
    while True:
        try:
            cells = next(table, None)
        except csv.Error as error:
            yield Unread(number=last, name="", reason=f"it is no row of a table: {error}")
            continue
        except _Broken as broken:
            yield Unread(number=last, name="", reason=str(broken))
            table = csv.reader(texts(), delimiter=separator, strict=True)
            continue
        if cells is None:
            return
        if cells:
            yield read_row(last, "", partial(_row_of_cells, last, cells, width, place_of))


def _row_of_cells(number: int, cells: Sequence[str], width: int, place_of: Mapping[str, int]) -> Row | Unread:
    if len(cells) != width:
        return Unread(number=number, name=shown(cells[0]), reason=f"{len(cells)} cells, and the header has {width}")
    said = {known: text_of(cells[place]) for known, place in place_of.items()}
    confidence = said.get("confidence", "").strip()
    if confidence and not _NUMBER.fullmatch(confidence):
        return Unread(number=number, name=_named(said), reason="the confidence is not a number from 0 to 1")
    return _row(number, {**said, "confidence": float(confidence) if confidence else None})


def read_jsonl(source: Source) -> Iterator[Row | Unread]:
    """An object of JSON on each line."""
    source.file.seek(0)
    if not source.file.read(MAX_HEADER_BYTES).removeprefix(BOM_UTF8).lstrip().startswith(b"{"):
        raise Invalid("it does not begin with an object: JSON lines have one on each line")
    source.file.seek(0)
    return _lines_of_json(source)


def _lines_of_json(source: Source) -> Iterator[Row | Unread]:
    for number, line in lines(source.file):
        if line is None:
            yield Unread(number=number, name="", reason=TOO_LONG)
        elif text := line.removeprefix(BOM_UTF8).strip():
            try:
                content = read_json(text, where="the line")
            except QuorateError as error:
                yield Unread(number=number, name="", reason=error.detail)
                continue
            yield read_row(number, "", partial(_row_of_json, number, content))


def _row_of_json(number: int, content: Any) -> Row | Unread:
    if not isinstance(content, dict):
        return Unread(number=number, name="", reason="it is no object")
    given = cast("dict[str, Any]", content)
    said = {known: given[name] for known, name in _known(list(given)).items()}
    for known, value in said.items():
        if known != "confidence" and not isinstance(value, str | None):
            return Unread(number=number, name=_named(said), reason=f"its {known} is no text")
    return _row(number, said | ({"objects": given["objects"]} if given.get("objects") is not None else {}))


def _row(number: int, said: Mapping[str, Any]) -> Row | Unread:
    name, label = _named(said), said.get("label") or None
    try:
        objects = _objects(said["objects"]) if "objects" in said else None
        names = names_of(image_id=said.get("id"), sha256=said.get("sha256"), filename=said.get("filename"))
        confidence = confidence_of(said.get("confidence"))
    except BadRow as bad:
        return Unread(number=number, name=name, reason=bad.detail)
    if label is None and objects is None:
        return Unread(number=number, name=name, reason=NO_LABEL, is_passed_over=True)
    return Row(number=number, name=name, names=names, label=label, confidence=confidence, objects=objects)


def _named(said: Mapping[str, Any]) -> str:
    return shown(next((said[one] for one in ("filename", "id", "sha256") if said.get(one)), ""))


def _objects(content: object) -> tuple[Drawn, ...]:
    """Objects as results have them."""
    if not isinstance(content, list):
        raise BadRow("its objects are no list")
    given = cast("list[object]", content)
    if len(given) > MAX_ROW_OBJECTS:
        raise BadRow(TOO_MANY)
    return tuple(map(_object, given))


def _object(content: object) -> Drawn:
    given = cast("dict[str, Any]", content) if isinstance(content, dict) else {}
    place, label = given.get("rectangle"), given.get("label")
    if not isinstance(label, str) or not isinstance(place, dict):
        raise BadRow("an object takes a label and a rectangle")
    sides = cast("dict[str, Any]", place)
    left, top, width, height = (number_of(sides.get(one), one) for one in ("left", "top", "width", "height"))
    if width < 0 or height < 0:
        raise BadRow("an object has a side below 0")
    confidence = confidence_of(given.get("confidence"))
    return Drawn(label=label, confidence=confidence, left=left, top=top, right=left + width, bottom=top + height)
