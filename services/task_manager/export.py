"""All results of a task as a file, streamed in constant memory."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import orjson

from services.task_manager.domain import Image, refuse_erased
from services.task_manager.order import Complete, key_of
from services.task_manager.shapes import image_shown
from services.task_manager.store import TaskStore
from shared.cells import cell
from shared.clock import iso
from shared.results import ExportFormat

PAGE = 2_000
AT_A_TIME = 4
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


def as_jsonl(images: Sequence[Image]) -> bytes:
    """One JSON object a line: the result and every vote."""
    return b"".join(orjson.dumps(_row(image), option=orjson.OPT_APPEND_NEWLINE) for image in images)


def as_csv(images: Sequence[Image]) -> bytes:
    """One line an image, without the header; cells that look like a formula are made text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([cell(value) for value in _csv_row(image)] for image in images)
    return out.getvalue().encode()


FORMATS: dict[ExportFormat, tuple[str, bytes, Callable[[Sequence[Image]], bytes]]] = {
    "jsonl": ("application/x-ndjson", b"", as_jsonl),
    "csv": ("text/csv; charset=utf-8", ",".join(_COLUMNS).encode() + b"\r\n", as_csv),
}
"""For each format its media type, what the file begins with, and how images are written."""


class Exports:
    """Makes files of results, few pages at a time: each holds its images until it is written."""

    def __init__(self, store: TaskStore) -> None:
        self._store = store
        self._turns = asyncio.Semaphore(AT_A_TIME)
        self._writing = asyncio.Lock()  # several threads that compute leave the event loop little of the interpreter

    async def file(self, task_id: str, form: ExportFormat, by: Complete) -> AsyncIterator[bytes]:
        """The file, page by page. Raises Erased where the task was cancelled meanwhile: no half of a file ends like
        one."""
        _, head, write = FORMATS[form]
        yield head
        after: str | None = ""
        while after is not None:
            lines, after = await self._page(task_id, write, after, by)
            yield lines
        refuse_erased(await self._store.task(task_id))

    async def _page(
        self, task_id: str, write: Callable[[Sequence[Image]], bytes], after: str, by: Complete
    ) -> tuple[bytes, str | None]:
        """The lines behind a key, and the key of the last; none where there are no more."""
        async with self._turns:
            images = await self._store.images(task_id, state=None, label=None, after=after, limit=PAGE, by=by)
            if not images:
                return b"", None
            async with self._writing:
                return await asyncio.to_thread(write, images), key_of(images[-1], by)


def _row(image: Image) -> dict[str, Any]:
    row = image_shown(image)
    row["votes_cast"] = image.result and [
        {"voter": vote.voter, "label": vote.label, "at": iso(vote.at)} for vote in image.votes
    ]
    return row


def _csv_row(image: Image) -> list[Any]:
    row = _row(image)
    prelabel = image.prelabel
    row["prelabel_label"] = prelabel and prelabel.label
    row["prelabel_confidence"] = prelabel and prelabel.confidence
    for column in ("votes", "votes_cast", "earlier"):
        row[column] = None if not row[column] else orjson.dumps(row[column]).decode()
    return [row[column] for column in _COLUMNS]
