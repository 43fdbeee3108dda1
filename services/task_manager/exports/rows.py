"""A line for each image: JSON, or CSV."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

import orjson

from services.task_manager.domain import Image
from services.task_manager.exports.walk import Walk
from services.task_manager.shapes import image_shown
from shared.cells import cell
from shared.clock import iso

_COLUMNS = [
    "image_id",
    "filename",
    "sha256",
    "width",
    "height",
    "state",
    "label",
    "agreement",
    "votes",
    "decided_by",
    "revision",
    "completed_at",
    "by",
    "reason",
    "prelabel_label",
    "prelabel_confidence",
    "votes_cast",
    "earlier",
]
_OF_PIPELINES = ["origin", "failure"]
"""Columns of tasks with a pipeline."""


async def jsonl(walk: Walk) -> AsyncIterator[bytes]:
    """The results with all votes, one JSON object a line."""
    yield b""
    async for lines in walk.written(as_jsonl):
        yield lines


async def csv_rows(walk: Walk) -> AsyncIterator[bytes]:
    """The same as a table."""
    columns = _COLUMNS if walk.task.pipeline is None else _COLUMNS + _OF_PIPELINES
    yield ",".join(columns).encode() + b"\r\n"
    async for lines in walk.written(partial(as_csv, columns=columns)):
        yield lines


def as_jsonl(images: Sequence[Image]) -> bytes:
    """One JSON object a line: the result and every vote."""
    return b"".join(orjson.dumps(_row(image), option=orjson.OPT_APPEND_NEWLINE) for image in images)


def as_csv(images: Sequence[Image], *, columns: Sequence[str] = _COLUMNS) -> bytes:
    """One line an image, without the header; cells that look like a formula are made text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([cell(value) for value in _csv_row(image, columns)] for image in images)
    return out.getvalue().encode()


def _row(image: Image) -> dict[str, Any]:
    row = image_shown(image)
    for name in ("imported", "origin", "failure"):
        if row[name] is None:
            del row[name]
    row["votes_cast"] = image.result and [
        {"voter": vote.voter, "label": vote.label, "at": iso(vote.at)} for vote in image.votes
    ]
    return row


def _csv_row(image: Image, columns: Sequence[str]) -> list[Any]:
    row = _row(image)
    prelabel = image.prelabel if image.imported is None else image.imported.prelabel
    row["prelabel_label"] = prelabel and prelabel.label
    row["prelabel_confidence"] = prelabel and prelabel.confidence
    for column in ("votes", "votes_cast", "earlier", "origin"):
        row[column] = orjson.dumps(row[column]).decode() if row.get(column) else None
    return [row.get(column) for column in columns]
