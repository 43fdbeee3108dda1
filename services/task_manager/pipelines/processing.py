"""The predecessor's own request on top of a task of its own: files in, derived images out, nobody asked."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from services.task_manager import domain, handlers
from services.task_manager.domain import Image, Task
from services.task_manager.handlers import Resources
from services.task_manager.ingest import Report
from services.task_manager.multipart import Part, PartLimits, parts
from services.task_manager.pipelines.actions import FIELD, FILE_FIELDS, Form, form
from services.task_manager.pipelines.files import has_file
from services.task_manager.pipelines.rules import OPERATIONS
from services.task_manager.refusals import KeyReused, StillUploading
from services.task_manager.uploads import TooManyUploads, Uploads
from shared.errors import Invalid, NotFound, QuorateError
from shared.http.form_headers import boundary_of
from shared.identity import Caller
from shared.pipelines import Pipeline
from shared.shares import Holder, Shares
from shared.terms import DetectorPolicy, QuorumPolicy, Terms

NAME = "Processed pictures"
TERMS = Terms(labels=(), quorum=QuorumPolicy(votes_required=0, max_votes=0), detector=DetectorPolicy(mode="off"))
LISTED = 10_000
"""Files that an answer names at the most; the archive has all of them."""
FIRST_PAUSE_S, LAST_PAUSE_S = 0.02, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Processed:
    """How far a request is. images: its derived images, `LISTED` of them at the most, in the order of the files that
    they were made of; failed: those that could not be worked on. is_cut: there are more."""

    task: Task
    images: list[Image]
    failed: list[Image]
    is_cut: bool


class Processing:
    """Takes requests of this kind, so many at a time, of which each caller has a share."""

    def __init__(self, resources: Resources, uploads: Uploads) -> None:
        self._resources = resources
        self._uploads = uploads
        self._places = Shares(resources.max_uploads)

    async def take(
        self, who: Caller, holder: Holder, key: str | None, chunks: AsyncIterator[bytes], content_type: str
    ) -> tuple[str, list[Report]]:
        """Take the files of a form in, and begin: the id of their task, and a report on each. The same request under
        the same key is the same task; without a key no task stays where it breaks off or no file is taken. Raises
        Invalid, and what uploads raise."""
        limits = PartLimits(
            max_picture_bytes=self._resources.checker.limits.max_bytes,
            max_archive_bytes=self._resources.archives.max_unpacked_bytes,
        )
        spool = self._resources.spool
        read = parts(chunks, boundary_of(content_type), limits=limits, spool=spool)
        with self._places.place(holder, TooManyUploads("too many uploads are under way", retry_after_s=2)):
            async with contextlib.aclosing(read) as coming, _on_disk(spool) as wanted:
                task = await self._task(who, key, await wanted.actions(coming))
                async with contextlib.aclosing(wanted.files(coming)) as files:
                    take = self._once if key is None else self._taken
                    return task.id, await take(task, who, holder, files)

    async def _task(self, who: Caller, key: str | None, pipeline: Pipeline) -> Task:
        body = orjson.dumps(pipeline)
        try:
            task, _ = await handlers.create_task(
                self._resources, who, key=key, name=NAME, terms=TERMS, body=body, pipeline=pipeline
            )
        except Invalid as error:
            pointer = error.pointer and error.pointer.replace(OPERATIONS, f"/{FIELD}/operations", 1)
            raise Invalid(error.detail, pointer=pointer) from error
        domain.refuse_erased(task)
        return task

    async def _once(self, task: Task, who: Caller, holder: Holder, files: AsyncIterator[Part]) -> list[Report]:
        """The same where nobody can send the request again: what it began is cancelled unless a file was taken."""
        reports: list[Report] = []
        try:
            reports = await self._taken(task, who, holder, files)
        finally:
            if not any(report.is_taken for report in reports):
                await asyncio.shield(self._cancel(task, who))
        return reports

    async def _cancel(self, task: Task, who: Caller) -> None:
        with contextlib.suppress(QuorateError):  # it is open then, and its owner may cancel it
            await handlers.cancel(self._resources, who, task_id=task.id)

    async def _taken(self, task: Task, who: Caller, holder: Holder, files: AsyncIterator[Part]) -> list[Report]:
        if task.state != "open":
            return await self._known(task, files)
        reports = await self._uploads.parts(task.id, holder, files, FILE_FIELDS)
        with contextlib.suppress(StillUploading):  # the same request, sent twice: the other one seals the task
            await handlers.seal(self._resources, who, task_id=task.id)
        return reports

    async def _known(self, task: Task, files: AsyncIterator[Part]) -> list[Report]:
        """The report of a request that was taken before. Raises KeyReused where it has another picture."""
        reports: list[Report] = []
        async for part in files:
            with part.archive or contextlib.nullcontext():
                reports.append(await self._report(task, part))
        return reports

    async def _report(self, task: Task, part: Part) -> Report:
        image_id = domain.image_id_of(task.id, hashlib.sha256(part.data).hexdigest())
        filename = part.disposition.filename
        if part.archive is not None or await self._resources.store.known(task.id, [image_id]):
            return Report(filename=filename, status="duplicate")
        try:
            await self._resources.checker.check(part.data)
        except QuorateError as error:
            return Report(filename=filename, status="rejected", reason=error.detail, refusal=type(error))
        raise KeyReused("this Idempotency-Key was used with other files")

    async def wait(self, task_id: str, seconds: float) -> None:
        """Wait until a task has ended, but no longer than this."""
        loop = asyncio.get_running_loop()
        until, pause_s = loop.time() + seconds, FIRST_PAUSE_S
        while (await self._resources.store.task(task_id)).state in ("open", "sealed") and loop.time() < until:
            await asyncio.sleep(min(pause_s, max(0.0, until - loop.time())))
            pause_s = min(1.5 * pause_s, LAST_PAUSE_S)

    async def processed(self, task_id: str) -> Processed:
        """How far a request is. Raises NotFound for other tasks, and Erased."""
        store = self._resources.store
        task = await store.task(task_id)
        if task.pipeline is None or task.terms.quorum.votes_required:
            raise NotFound("no such request: this task asks people for labels")
        domain.refuse_erased(task)
        found = await store.images(task_id, state="completed", label=None, after="", limit=LISTED + 1)
        failed = await store.images(task_id, state="failed", label=None, after="", limit=LISTED + 1)
        return Processed(
            task=task,
            images=sorted(filter(has_file, found[:LISTED]), key=_place),
            failed=sorted(failed[:LISTED], key=_place),
            is_cut=len(found) > LISTED or len(failed) > LISTED,
        )


@contextlib.asynccontextmanager
async def _on_disk(spool: Path) -> AsyncIterator[Form]:
    with form(spool) as found:
        yield found


def _place(image: Image) -> tuple[int, str, tuple[tuple[int, int], ...]]:
    """By the file that it was made of, then as it came out of it."""
    origin = image.origin
    return (image.position, origin.image_id if origin else image.id, origin.path if origin else ())
