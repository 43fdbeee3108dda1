"""The results of a run as a file, streamed in constant memory."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson

from services.consensus.handlers import Resources
from services.consensus.listing import results
from services.consensus.run import Run
from services.consensus.wire import Format
from shared.cells import cell

MEDIA_TYPES: dict[Format, str] = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}


async def file(resources: Resources, run: Run, form: Format) -> AsyncIterator[bytes]:
    """A line for each image, in the order of ids: the record's label, and label and posterior by each method."""
    if form == "csv":
        yield _as_csv([_columns(run)])
    async for items in results(resources, run):
        yield await asyncio.to_thread(_written, items, run, form)


def _written(items: Sequence[dict[str, Any]], run: Run, form: Format) -> bytes:
    if form == "jsonl":
        return b"".join(orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE) for item in items)
    return _as_csv([_cells(item, run) for item in items])


def _columns(run: Run) -> list[str]:
    by_method = [column for method in run.methods for column in (method, f"{method}_posterior")]
    return ["image_id", "label", "revision", *by_method, "differs"]


def _cells(item: dict[str, Any], run: Run) -> list[Any]:
    found = [item["methods"].get(method, {"label": None, "posterior": None}) for method in run.methods]
    by_method = [value for one in found for value in (one["label"], one["posterior"])]
    return [item["image_id"], item["label"], item["revision"], *by_method, " ".join(item["differs"])]


def _as_csv(lines: Sequence[Sequence[Any]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([cell(value) for value in line] for line in lines)
    return out.getvalue().encode()
