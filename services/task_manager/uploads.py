"""An upload from its first byte to its report: registered while it lasts, every file answered for."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import IO

from services.task_manager import archives, domain, multipart, names, staging
from services.task_manager.handlers import Resources
from services.task_manager.ingest import Ingest, Report
from services.task_manager.multipart import Part, PartLimits
from services.task_manager.staging import Staging
from services.task_manager.team_quotas import refuse_upload
from shared.errors import NotFound, QuorateError, TooLarge, Unavailable
from shared.http import form_headers
from shared.http.requests import decode_base64
from shared.shares import Holder, Shares
from shared.steady_clock import wall_of

FIELDS = ("images", "files", "image")
MAX_FILES = 100_000
"""Files of one upload, entries of its archives included: there is a report on each."""
NOT_STAGED = "the file has not been stored with its form, or is gone by now: store it with a new one"


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
        async with contextlib.aclosing(
            multipart.parts(chunks, boundary, limits=limits, spool=self._resources.spool)
        ) as parts:
            return await self.parts(task_id, holder, parts)

    async def parts(
        self, task_id: str, holder: Holder, parts: AsyncIterator[Part], fields: Sequence[str] = FIELDS
    ) -> list[Report]:
        """Pictures and archives of a form whose parts are read elsewhere. fields: those that files come in."""
        files = 0
        async with self._ingest(task_id, holder) as ingest:
            async for part in parts:
                files += await self._take(ingest, part, fields)
                if files > MAX_FILES:
                    raise TooLarge(f"the upload has more than {MAX_FILES:,} files: send it in several")
            return await self._resources.intake.finish(ingest)

    async def single(self, task_id: str, holder: Holder, filename: str, image: str) -> list[Report]:
        """One picture in plain base64."""
        data = decode_base64(image)
        async with self._ingest(task_id, holder) as ingest:
            await ingest.add(filename, data)
            return await self._resources.intake.finish(ingest)

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
            return await self._resources.intake.finish(ingest)

    @contextlib.asynccontextmanager
    async def _ingest(self, task_id: str, holder: Holder) -> AsyncIterator[Ingest]:
        with self._places.place(holder, TooManyUploads("too many uploads are under way", retry_after_s=2)):
            async with self._resources.intake.ingest(task_id) as ingest:
                yield ingest

    async def _take(self, ingest: Ingest, part: Part, fields: Sequence[str]) -> int:
        """Returns how many files there were to report on."""
        field, filename, notes = part.disposition.field, part.disposition.filename, part.disposition.notes
        with part.archive or contextlib.nullcontext() as archive:
            if part.error is not None:
                ingest.refuse(filename, part.error, notes)
            elif field not in fields:
                named = " or ".join(f"'{one}'" for one in fields)
                ingest.note(filename or field, "rejected", f"send pictures in the form field {named}")
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
