"""One upload under way: every file is checked, stored and reported on; images become visible batch by batch."""

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from services.task_manager import domain
from services.task_manager.domain import Image, Task
from services.task_manager.store import TaskStore
from shared import crash_points
from shared.clock import Clock
from shared.errors import QuorateError
from shared.objects import ObjectStore
from shared.pictures import Picture, PictureLimits, check

MAX_FILENAME = 1_000
BATCH_FILES = 32
BATCH_BYTES = 32_000_000

Status = Literal["accepted", "duplicate", "rejected", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of one file. `notes` say what of it was changed on the way in."""

    filename: str
    status: Status
    image_id: str | None = None
    sha256: str | None = None
    reason: str | None = None
    notes: tuple[str, ...] = ()
    error: QuorateError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A file that is a picture: as uploaded by its hash, and as it is to be stored."""

    sha256: str
    stored_sha256: str
    picture: Picture


@dataclass(frozen=True, slots=True)
class Checker:
    """Decodes pictures in threads of its own, one at a time in each."""

    threads: ThreadPoolExecutor
    limits: PictureLimits

    async def check(self, data: bytes) -> Checked:
        """Raises one of the errors of `shared.pictures`."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, self._check, data)

    def _check(self, data: bytes) -> Checked:
        picture = check(data, self.limits)
        sha256 = hashlib.sha256(data).hexdigest()
        stored_sha256 = sha256 if picture.data == data else hashlib.sha256(picture.data).hexdigest()
        return Checked(sha256=sha256, stored_sha256=stored_sha256, picture=picture)


class Ingest:
    """Takes the files of one upload to one task. `saved` is called after every batch that made images visible."""

    def __init__(
        self,
        task: Task,
        *,
        store: TaskStore,
        objects: ObjectStore,
        checker: Checker,
        clock: Clock,
        saved: Callable[[], None],
    ) -> None:
        self._task = task
        self._store = store
        self._objects = objects
        self._checker = checker
        self._clock = clock
        self._saved = saved
        self._reports: list[Report | None] = []
        self._batch: list[tuple[int, str, asyncio.Task[Checked]]] = []
        self._batch_bytes = 0

    async def add(self, filename: str, data: bytes) -> None:
        """Take a file; it is stored with its batch, at the latest when the upload is finished."""
        self._reports.append(None)
        checking = asyncio.create_task(self._checker.check(data))
        self._batch.append((len(self._reports) - 1, filename[:MAX_FILENAME], checking))
        self._batch_bytes += len(data)
        if len(self._batch) >= BATCH_FILES or self._batch_bytes >= BATCH_BYTES:
            await self._store_batch()

    def note(self, filename: str, status: Status, reason: str, error: QuorateError | None = None) -> None:
        """Report on a file that is not taken."""
        report = Report(filename=filename[:MAX_FILENAME], status=status, reason=reason, error=error)
        self._reports.append(report)

    async def finish(self) -> list[Report]:
        """Store what is left, and report on every file in the order it came."""
        await self._store_batch()
        return [report for report in self._reports if report is not None]

    async def abandon(self) -> None:
        """Drop what has not been stored."""
        for _, _, checking in self._batch:
            checking.cancel()
        await asyncio.gather(*(checking for _, _, checking in self._batch), return_exceptions=True)

    async def _store_batch(self) -> None:
        batch, self._batch, self._batch_bytes = self._batch, [], 0
        outcomes = await asyncio.gather(*(checking for _, _, checking in batch), return_exceptions=True)
        images: dict[int, tuple[Image, bytes]] = {}
        for (position, filename, _), outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, QuorateError):
                self._reports[position] = Report(
                    filename=filename, status="rejected", reason=outcome.detail, error=outcome
                )
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                images[position] = (self._image(filename, outcome), outcome.picture.data)
        if images:
            await self._save(images)

    def _image(self, filename: str, checked: Checked) -> Image:
        image_id = domain.image_id_of(self._task.id, checked.sha256)
        picture = checked.picture
        return Image(
            id=image_id,
            task_id=self._task.id,
            filename=filename,
            sha256=checked.sha256,
            stored_sha256=checked.stored_sha256,
            object_key=f"{self._task.id}/{image_id}-{secrets.token_hex(6)}.{picture.extension}",
            media_type=picture.media_type,
            size_bytes=len(picture.data),
            width=picture.width,
            height=picture.height,
            created_at=self._clock(),
        )

    async def _save(self, images: dict[int, tuple[Image, bytes]]) -> None:
        """Objects first, then the images that name them. Objects that no image came to name are left to the collector:
        a write that failed here may yet have happened there."""
        first: dict[str, int] = {}
        for position, (image, _) in images.items():
            first.setdefault(image.id, position)
        known = await self._store.known(self._task.id, list(first))
        new = [images[position] for image_id, position in first.items() if image_id not in known]
        if new:
            crash_points.reached("ingest.before_objects")
            await self._objects.put_all({image.object_key: data for image, data in new})
            crash_points.reached("ingest.after_objects")
            known |= await self._store.add_images(self._task, [image for image, _ in new])
            crash_points.reached("ingest.after_images")
            self._saved()
        for position, (image, _) in images.items():
            is_new = first[image.id] == position and image.id not in known
            self._reports[position] = Report(
                filename=image.filename,
                status="accepted" if is_new else "duplicate",
                image_id=image.id,
                sha256=image.sha256,
            )
