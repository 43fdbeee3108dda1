"""An upload from its first byte to its report: registered while it lasts, every file answered for."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import IO

from services.task_manager import archives, domain, multipart, names, staging
from services.task_manager.domain import Task
from services.task_manager.handlers import Resources
from services.task_manager.ingest import Ingest, Report
from services.task_manager.multipart import Part, PartLimits
from services.task_manager.staging import Staging
from services.task_manager.team_quotas import allowed_to, refuse_upload
from shared.ending import ended
from shared.errors import NotFound, QuorateError, TooLarge, Unavailable
from shared.http import form_headers
from shared.http.requests import decode_base64
from shared.shares import Holder, Shares
from shared.steady_clock import wall_of
from shared.stored_images import ImagesStored

FIELDS = ("images", "files")
MAX_FILES = 100_000
"""Files of one upload, entries of its archives included: there is a report on each."""
NOT_STAGED = "the file has not been stored with its form, or is gone by now: store it with a new one"
RENEW_S = domain.REGISTRATION_S / 3
TELL_S = 0.2
"""No upload waits longer for a bus that is away."""


class TooManyUploads(Unavailable):
    """This process takes no more uploads at a time."""

    code = "too-many-uploads"


class Uploads:
    """The uploads of this process, so many at a time, of which each caller has a share."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._places = Shares(resources.max_uploads)
        resources.metrics.uploads(self._places)

    async def form(self, task_id: str, holder: Holder, chunks: AsyncIterator[bytes], content_type: str) -> list[Report]:
        """Pictures and archives of a multipart body, parsed as it comes."""
        boundary = form_headers.boundary_of(content_type)
        limits = PartLimits(
            max_picture_bytes=self._resources.checker.limits.max_bytes,
            max_archive_bytes=self._resources.archives.max_unpacked_bytes,
        )
        parts = multipart.parts(chunks, boundary, limits=limits, spool=self._resources.spool)
        files = 0
        async with self._ingest(task_id, holder) as ingest, contextlib.aclosing(parts):
            async for part in parts:
                files += await self._take(ingest, part)
                if files > MAX_FILES:
                    raise TooLarge(f"the upload has more than {MAX_FILES:,} files: send it in several")
            return await self._finish(ingest)

    async def single(self, task_id: str, holder: Holder, filename: str, image: str) -> list[Report]:
        """One picture in plain base64."""
        data = decode_base64(image)
        async with self._ingest(task_id, holder) as ingest:
            await ingest.add(filename, data)
            return await self._finish(ingest)

    async def begin(self, task_id: str, filenames: Sequence[str]) -> Staging:
        """Forms for the files of a new upload straight to the object store. Raises NotFound, NotOpen, Invalid, and
        QuotaReached where none of them could be taken in."""
        task = await self._resources.store.task(task_id)
        domain.refuse_unless_open(task)
        await refuse_upload(self._resources.store, self._resources.quotas, task.team)
        resources, max_bytes = self._resources, self._resources.checker.limits.max_bytes
        now = wall_of(resources.clock)()
        return await staging.begin(resources.objects, task.id, filenames, max_bytes=max_bytes, now=now)

    async def commit(
        self, task_id: str, holder: Holder, upload_id: str, filenames: Sequence[str] | None
    ) -> list[Report]:
        """The staged files of an upload, by the names that were announced; no more than a batch is held in memory.

        Raises NotFound, and Invalid where `filenames` are others than those.
        """
        objects = self._resources.objects
        async with self._ingest(task_id, holder) as ingest:
            for key, filename in (await staging.announced(objects, task_id, upload_id, filenames)).items():
                try:
                    data = await objects.get(key)
                except NotFound:
                    ingest.note(filename, "rejected", NOT_STAGED)
                else:
                    await ingest.add(filename, data)
            return await self._finish(ingest)

    async def _finish(self, ingest: Ingest) -> list[Report]:
        """Once it is answered, the subtask manager can see in its queue what is coming."""
        reports = await ingest.finish()
        await self._resources.relay.hand_over()
        self._resources.metrics.files(report.status for report in reports)
        return reports

    @contextlib.asynccontextmanager
    async def _ingest(self, task_id: str, holder: Holder) -> AsyncIterator[Ingest]:
        """An ingest whose upload is registered with the task for as long as it lasts, however it ends."""
        resources, upload_id = self._resources, secrets.token_hex(8)
        with self._places.place(holder, TooManyUploads("too many uploads are under way", retry_after_s=2)):
            async with self._registered(task_id, upload_id) as task:
                ingest = Ingest(
                    task,
                    store=resources.store,
                    objects=resources.objects,
                    checker=resources.checker,
                    clock=resources.clock,
                    saved=partial(self._tell, task.team),
                    allowed=partial(allowed_to, resources.quotas, task.team),
                )
                try:
                    yield ingest
                finally:
                    await ingest.abandon()

    @contextlib.asynccontextmanager
    async def _registered(self, task_id: str, upload_id: str) -> AsyncIterator[Task]:
        """The task, which knows of the upload. It is told of the end even where the caller hung up while the
        registration was being saved: nobody could seal the task until that lapses."""
        store = self._resources.store
        renewal: asyncio.Task[None] | None = None
        try:
            task = await store.update(task_id, partial(domain.register_upload, upload_id=upload_id))
            renewal = asyncio.create_task(self._renew(task_id, upload_id))
            yield task
        finally:
            await asyncio.shield(self._end(task_id, upload_id, renewal))

    async def _end(self, task_id: str, upload_id: str, renewal: asyncio.Task[None] | None) -> None:
        await ended(renewal)  # one under way would register the upload again
        with contextlib.suppress(QuorateError):  # an upload that is not ended lapses
            await self._resources.store.update(task_id, partial(domain.end_upload, upload_id=upload_id))

    async def _renew(self, task_id: str, upload_id: str) -> None:
        """Keep the task from being sealed while a long upload goes on. If it cannot be, saving images says so."""
        while True:
            await asyncio.sleep(RENEW_S)
            with contextlib.suppress(QuorateError):
                await self._resources.store.update(task_id, partial(domain.register_upload, upload_id=upload_id))

    async def _tell(self, team: str, images: int, at: float) -> None:
        """Say that images of a team come, so that its operators wait for them; what that says may be lost."""
        stored = ImagesStored(images_stored=images, stored_for_team=team, stored_at=at)
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(TELL_S):
                await self._resources.bus.broadcast(stored.model_dump_json().encode())
        self._resources.relay.wake()

    async def _take(self, ingest: Ingest, part: Part) -> int:
        """Returns how many files there were to report on."""
        field, filename, notes = part.disposition.field, part.disposition.filename, part.disposition.notes
        with part.archive or contextlib.nullcontext() as archive:
            if part.error is not None:
                ingest.refuse(filename, part.error, notes)
            elif field not in FIELDS:
                ingest.note(filename or field, "rejected", "send pictures in the form field 'images' or 'files'")
            elif archive is not None:
                return await self._unpack(ingest, filename, archive)
            elif filename.lower().endswith(".zip") and not names.is_system_file(filename):
                ingest.refuse(filename, archives.not_an_archive(part.data), notes)
            else:
                await ingest.add(filename, part.data, notes)
        return 1

    async def _unpack(self, ingest: Ingest, filename: str, file: IO[bytes]) -> int:
        limits = self._resources.archives
        try:
            archive = await asyncio.to_thread(archives.open_archive, file, limits)
        except QuorateError as error:
            ingest.refuse(filename, error)
            return 1
        for entry in archive.entries:
            name = entry.name
            try:
                data = await asyncio.to_thread(archives.read_entry, archive, entry, limits)
            except archives.EntrySkipped as skipped:
                ingest.note(name.text, "skipped", str(skipped), notes=name.notes)
            except QuorateError as error:
                ingest.refuse(name.text, error, name.notes)
            else:
                await ingest.add(name.text, data, name.notes)
        return len(archive.entries)
