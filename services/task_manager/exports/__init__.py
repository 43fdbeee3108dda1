"""All results of a task as a file, streamed in constant memory.

A format is a function from a `Walk` to bytes. It is told nothing of HTTP and the clock, so a task at rest gives the
same bytes on any replica. What cannot be finished raises: the stream breaks off without what readers need at its end.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from services.task_manager.domain import Task
from services.task_manager.exports.coco import coco
from services.task_manager.exports.imagefolder import imagefolder
from services.task_manager.exports.labelstudio import labelstudio
from services.task_manager.exports.parquet import parquet
from services.task_manager.exports.rows import csv_rows, jsonl
from services.task_manager.exports.walk import Turns, Walk, in_chunks
from services.task_manager.exports.wanted import ROWS, Wanted, refuse_impossible
from services.task_manager.exports.yolo import yolo
from services.task_manager.store import TaskStore
from shared.errors import Unavailable
from shared.export_formats import ExportFormat, here
from shared.objects import ObjectStore
from shared.shares import Holder, Shares

__all__ = ["Exports", "Wanted"]

MAX_AT_ONCE = 4
"""Exports that hold pictures in memory, or votes on the disk; of these places each caller has a share."""
BUSY_S = 10
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

    def file(self, task: Task, wanted: Wanted) -> AsyncIterator[bytes]:
        """The file. Raises Erased where the task was cancelled meanwhile, and NotFound where a picture is gone:
        then what came of it is no whole file."""
        walk = Walk(
            task=task,
            wanted=wanted,
            store=self._store,
            objects=self._objects,
            spool=self._spool,
            turns=self._turns,
        )
        return in_chunks(FORMATS[wanted.form].write(walk))
