"""All results of a task as a file, streamed in constant memory.

A format is a function from a `Walk` to bytes. It is told nothing of HTTP and the clock, so a task at rest gives the
same bytes on any replica. What cannot be finished raises: the stream breaks off without what readers need at its end.

A part of such a file is made by making the file anew, up to its end, without reading pictures that lie before the part.
How long the file is has to be said before the part: it is made once more, without any picture, and its size kept.
"""

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import astuple, dataclass
from pathlib import Path

from services.task_manager.domain import Task
from services.task_manager.exports.coco import coco
from services.task_manager.exports.imagefolder import imagefolder
from services.task_manager.exports.labelstudio import labelstudio
from services.task_manager.exports.parquet import parquet
from services.task_manager.exports.ranges import Progress, Span, part_of
from services.task_manager.exports.rows import csv_rows, jsonl
from services.task_manager.exports.sizes import Sizes
from services.task_manager.exports.walk import Turns, Walk, in_chunks
from services.task_manager.exports.wanted import EXPORT_VERSION, ROWS, Wanted, refuse_impossible
from services.task_manager.exports.yolo import yolo
from services.task_manager.store import TaskStore
from services.task_manager.store.codec import TASKS
from shared.errors import Unavailable
from shared.export_formats import ExportFormat, here, made_by
from shared.objects import ObjectStore
from shared.shares import Holder, Shares
from shared.version import VERSION

__all__ = ["Exports", "Span", "Wanted"]

MAX_AT_ONCE = 4
"""Exports that hold pictures in memory, or votes on the disk; of these places each caller has a share."""
BUSY_S = 10
CHANGED = "the task has changed since"
_JSON = ("application/json", "json")
_ZIP = ("application/zip", "zip")


@dataclass(frozen=True, slots=True)
class Format:
    """How a format is written. `kind`: its media type and extension; `with_images`: the same with pictures in it."""

    write: Callable[[Walk], AsyncIterator[bytes]]
    kind: tuple[str, str]
    with_images: tuple[str, str]


FORMATS: dict[ExportFormat, Format] = {
    "jsonl": Format(jsonl, ("application/x-ndjson", "jsonl"), _ZIP),
    "csv": Format(csv_rows, ("text/csv; charset=utf-8", "csv"), _ZIP),
    "imagefolder": Format(imagefolder, _ZIP, _ZIP),
    "parquet": Format(parquet, *[("application/vnd.apache.parquet", "parquet")] * 2),
    "labelstudio": Format(labelstudio, _JSON, _ZIP),
    "coco": Format(coco, _JSON, _ZIP),
    "yolo": Format(yolo, _ZIP, _ZIP),
}


class Exports:
    """Makes files of results, few pages at a time: each holds its images until it is written."""

    def __init__(self, store: TaskStore, objects: ObjectStore, spool: Path) -> None:
        self._store = store
        self._objects = objects
        self._spool = spool
        self._turns = Turns()
        self._places = Shares(MAX_AT_ONCE)
        self._sizes = Sizes()

    def check(self, task: Task, wanted: Wanted) -> tuple[str, str]:
        """The media type and the extension of the file. Raises Invalid where there can be none."""
        refuse_impossible(wanted, task, here=here())
        form = FORMATS[wanted.form]
        return form.with_images if wanted.has_images else form.kind

    def place(self, wanted: Wanted, holder: Holder) -> AbstractContextManager[None]:
        """Is to be held while the file is made; rows need none. Raises Unavailable where too many are made."""
        if wanted.form in ROWS:
            return nullcontext()
        return self._places.place(holder, Unavailable("too many exports are being made", retry_after_s=BUSY_S))

    async def tag(self, task: Task, wanted: Wanted) -> str | None:
        """A strong ETag of the file: another whenever it may have other bytes, the same on any replica. None where
        results are expected yet, and for files of which no part can be made.

        It is asked for before the file is made: of a task that changes meanwhile the file is a mixture, but no part is
        ever made for its tag.
        """
        if task.state != "completed" or task.is_settling or not wanted.can_resume:
            return None
        made = (EXPORT_VERSION, VERSION, made_by(wanted.form), *astuple(wanted))
        told = "\n".join((repr(made), TASKS.text(task).decode(), await self._store.changes(task.id)))
        return f'"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'

    def file(self, task: Task, wanted: Wanted) -> AsyncIterator[bytes]:
        """The file. Raises Erased where the task was cancelled meanwhile, and NotFound where a picture is gone:
        then what came of it is no whole file."""
        return in_chunks(self._made(task, wanted, Progress(0)))

    async def size(self, task: Task, wanted: Wanted, tag: str, holder: Holder) -> int:
        """How many bytes the file with this tag has. Raises Unavailable where the task changes meanwhile, or too many
        are asked for, and as `file`."""

        async def found_out() -> int:
            progress = Progress(None)
            async for _ in self._made(task, wanted, progress):
                pass
            await self._refuse_changed(task, wanted, tag)
            return progress.made

        return await self._sizes.of(tag, holder, found_out)

    async def close(self) -> None:
        """Find out no more sizes."""
        await self._sizes.close()

    async def part(self, task: Task, wanted: Wanted, tag: str, span: Span) -> AsyncIterator[bytes]:
        """A part of the file with this tag, which has all of the span. Its last piece comes once it is certain that it
        is a part of that file; else raises Unavailable, and as `file`."""
        last = b""
        async for piece in in_chunks(part_of(self._made(task, wanted, Progress(span.first)), span)):
            if last:
                yield last
            last = piece
        await self._refuse_changed(task, wanted, tag)
        yield last

    def _made(self, task: Task, wanted: Wanted, progress: Progress) -> AsyncIterator[bytes]:
        walk = Walk(
            task=task,
            wanted=wanted,
            store=self._store,
            objects=self._objects,
            spool=self._spool,
            turns=self._turns,
            progress=progress,
        )
        return progress.counted(FORMATS[wanted.form].write(walk))

    async def _refuse_changed(self, task: Task, wanted: Wanted, tag: str) -> None:
        if await self.tag(await self._store.task(task.id), wanted) != tag:
            raise Unavailable(CHANGED)
