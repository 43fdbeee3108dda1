"""Files of labels taken in: what a client says of its images beforehand is shown to operators as a suggestion.

A file is kept on the disk while it is read; every row of it is answered for, in order. Cut off anywhere, the same file
sent again has the same effect: what was applied is unchanged, and the rest is applied.
"""

import asyncio
import hashlib
import logging
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from services.task_manager.archives import ArchiveLimits
from services.task_manager.domain import Task, image_id_of, refuse_erased
from services.task_manager.label_imports import rules
from services.task_manager.label_imports.coco import read_coco
from services.task_manager.label_imports.notebook import Notebook
from services.task_manager.label_imports.reading import UNEXPECTED, Reader, Source
from services.task_manager.label_imports.rows import Names, Outcome, Row, Unread
from services.task_manager.label_imports.tables import read_csv, read_jsonl
from services.task_manager.label_imports.zips import read_imagefolder, read_yolo
from services.task_manager.multipart import SPOOL
from services.task_manager.refusals import NoSuggestions
from services.task_manager.store import TaskStore
from shared import disk
from shared.errors import Invalid, NotFound, QuorateError, TooLarge, Unavailable
from shared.import_formats import ImportFormat
from shared.outbox import Relay
from shared.shares import Holder, Shares

log = logging.getLogger(__name__)

MAX_AT_ONCE = 4
"""Imports that one process makes at a time; of these places each caller has a share."""
MAX_TABLE_BYTES = 500_000_000
BATCH = 64
"""Rows that are matched and applied at a time."""
PAGE = 1_000
WRITTEN_BYTES = 1_000_000
BUSY_S = 10
READERS: Mapping[ImportFormat, Reader] = {
    "csv": read_csv,
    "jsonl": read_jsonl,
    "coco": read_coco,
    "yolo": read_yolo,
    "imagefolder": read_imagefolder,
}
ARCHIVES: frozenset[ImportFormat] = frozenset({"coco", "yolo", "imagefolder"})
"""Formats that come as an archive, or may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A file that is of its format, and whose rows can be taken. model: by what name its suggestions are known."""

    task: Task
    model: str
    rows: Iterator[Row | Unread]
    notebook: Notebook


class LabelImports:
    """Takes files of labels in, a few at a time."""

    def __init__(self, store: TaskStore, relay: Relay, spool: Path, archives: ArchiveLimits) -> None:
        self._store = store
        self._relay = relay
        self._spool = spool
        self._archives = archives
        self._places = Shares(MAX_AT_ONCE)

    def place(self, holder: Holder) -> AbstractContextManager[None]:
        """Is to be held while a file comes and is taken in. Raises Unavailable where too many are."""
        return self._places.place(holder, Unavailable("too many imports are being made", retry_after_s=BUSY_S))

    def max_bytes(self, form: ImportFormat) -> int:
        return self._archives.max_unpacked_bytes if form in ARCHIVES else MAX_TABLE_BYTES

    async def begin(self, task_id: str, form: ImportFormat, chunks: AsyncIterator[bytes], files: ExitStack) -> Begun:
        """Take a file in, which `files` holds. Raises NotFound, Erased, NoSuggestions, and one of `shared.errors` where
        the file is none of this format."""
        task = await self._store.task(task_id)
        refuse_erased(task)
        if task.terms.detector.mode == "off":
            raise NoSuggestions("the task shows no suggestions, for its detector is off: make one in the mode suggest")
        with disk.errors_named(SPOOL):
            file = tempfile.TemporaryFile(dir=self._spool)  # noqa: SIM115 - closed by `files`
        files.callback(_drop, file)
        size_bytes, sha256 = await self._spooled(file, form, chunks)
        notebook = await asyncio.to_thread(Notebook, self._spool)
        files.callback(notebook.close)
        source = Source(file=file, size_bytes=size_bytes, notebook=notebook, archives=self._archives)
        rows = await asyncio.to_thread(READERS[form], source)
        return Begun(task=task, model=rules.model_of(sha256), rows=rows, notebook=notebook)

    async def outcomes(self, begun: Begun) -> AsyncIterator[Sequence[tuple[Row | Unread, Outcome]]]:
        """Apply the rows, and say of each, in their order, what became of it. Raises Erased, NotFound where the task
        was cancelled meanwhile, and Unavailable: what was said of until then has been applied."""
        importing = _Importing(self._store, begun)
        while batch := await asyncio.to_thread(list, islice(begun.rows, BATCH)):
            refuse_erased(await self._store.task(begun.task.id))
            outcomes = await importing.take(batch)
            self._relay.wake()
            yield list(zip(batch, outcomes, strict=True))
        await self._relay.hand_over()

    async def _spooled(self, file: IO[bytes], form: ImportFormat, chunks: AsyncIterator[bytes]) -> tuple[int, str]:
        """The size of what came and its hash."""
        digest, held, size_bytes, most = hashlib.sha256(), bytearray(), 0, self.max_bytes(form)

        def write() -> None:
            digest.update(held)
            with disk.errors_named(SPOOL):
                file.write(held)
                file.flush()
            held.clear()

        async for chunk in chunks:
            held += chunk
            size_bytes += len(chunk)
            if size_bytes > most:
                raise TooLarge(f"the file is over the limit of {most:,} bytes: send it in several")
            if len(held) >= WRITTEN_BYTES:
                await asyncio.to_thread(write)
        await asyncio.to_thread(write)
        if not size_bytes:
            raise Invalid("the file is empty")
        return size_bytes, digest.hexdigest()


class _Importing:
    """One import under way."""

    def __init__(self, store: TaskStore, begun: Begun) -> None:
        self._store = store
        self._task = begun.task
        self._model = begun.model
        self._notebook = begun.notebook
        self._are_names_known = False

    async def take(self, batch: Sequence[Row | Unread]) -> list[Outcome]:
        rows = [row for row in batch if isinstance(row, Row)]
        found = await self._found(rows)
        met = await asyncio.to_thread(self._met, rows, found)
        taken = await asyncio.gather(*(self._taken(row, found[row.number], met.get(row.number)) for row in rows))
        outcome_of = {row.number: outcome for row, outcome in zip(rows, taken, strict=True)}
        return [_unread(one) if isinstance(one, Unread) else outcome_of[one.number] for one in batch]

    async def _found(self, rows: Sequence[Row]) -> dict[int, set[str]]:
        """The images that rows may mean, by the rows' numbers: by id, else by hash, else by file name."""
        ids = {row.number: _ids(row.names, self._task.id) for row in rows}
        known = await self._store.known(self._task.id, [one for of_row in ids.values() for one in of_row])
        found = {number: set([one for one in of_row if one in known][:1]) for number, of_row in ids.items()}
        unknown = [row for row in rows if not found[row.number] and (row.names.filenames or row.names.stems)]
        if unknown:
            await self._learn_names()
            found |= await asyncio.to_thread(
                lambda: {row.number: self._notebook.images_named(row.names) for row in unknown}
            )
        return found

    async def _learn_names(self) -> None:
        """Once, and only where a row needs them: it costs a walk over the task's images."""
        if self._are_names_known:
            return
        after = ""
        while page := await self._store.images(self._task.id, state=None, label=None, after=after, limit=PAGE):
            await asyncio.to_thread(self._notebook.add_names, page)
            after = page[-1].id
        self._are_names_known = True

    def _met(self, rows: Sequence[Row], found: Mapping[int, set[str]]) -> dict[int, int]:
        """Which earlier row is about the same image, for those that have one."""
        earlier = {
            row.number: self._notebook.meet(image_id, row.number)
            for row in rows
            if len(found[row.number]) == 1
            for image_id in found[row.number]
        }
        return {number: before for number, before in earlier.items() if before is not None}

    async def _taken(self, row: Row, found: set[str], before: int | None) -> Outcome:
        if not found:
            return Outcome(status="unknown_image", reason="no image of the task is called so", notes=row.notes)
        if len(found) > 1:
            return Outcome(status="ambiguous_name", reason=f"{len(found)} images of the task are called so")
        (image_id,) = found
        if before is not None:
            return Outcome(status="duplicate", image_id=image_id, reason=f"row {before} is about the same image")
        try:
            rule = await asyncio.to_thread(rules.taking, row, terms=self._task.terms, model=self._model)
            return (await self._store.change_image(self._task, image_id, rule)).answer
        except NotFound:
            return Outcome(status="unknown_image", reason="the image was removed meanwhile")
        except QuorateError:
            raise
        except Exception:
            log.exception("row %d of an import could not be applied to image %s", row.number, image_id)
            return Outcome(status="malformed", image_id=image_id, reason=UNEXPECTED)


def _drop(file: IO[bytes]) -> None:
    """Close a file whose content nobody wants any more: what a full disk did not take stays unwritten."""
    with suppress(OSError):
        file.close()


def _ids(names: Names, task_id: str) -> list[str]:
    return [*names.ids, *(image_id_of(task_id, sha256) for sha256 in names.sha256)]


def _unread(row: Unread) -> Outcome:
    return Outcome(status="skipped" if row.is_passed_over else "malformed", reason=row.reason)
