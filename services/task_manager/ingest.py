"""One upload under way: every file is checked, stored and reported on; images become visible batch by batch."""

import asyncio
import hashlib
import secrets
import zlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, takewhile
from typing import Literal

from services.task_manager import domain, names
from services.task_manager.archives import refuse_other_archive
from services.task_manager.domain import Image, Task
from services.task_manager.names import Name
from services.task_manager.pipelines.rules import begun
from services.task_manager.quotas import Allowed, fitting, image_refusal
from services.task_manager.store import TaskStore
from shared import crash_points
from shared.clock import Clock
from shared.ending import ended
from shared.errors import Invalid, QuorateError, QuotaReached
from shared.objects import ObjectStore
from shared.objects.keys import image_key, with_renditions
from shared.pictures import DecodingBudget, Picture, PictureLimits, check, rendition
from shared.pipelines.expansion import check_picture
from shared.renditions import Rendition

BATCH_FILES = 32
BATCH_BYTES = 32_000_000

Status = Literal["accepted", "duplicate", "rejected", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of one file. `notes` say what of it was changed on the way in, `refusal` what kind of error it met:
    the error itself would hold, by its traceback, the file's bytes. `quota`: which of the team's is used up."""

    filename: str
    status: Status
    image_id: str | None = None
    sha256: str | None = None
    reason: str | None = None
    notes: tuple[str, ...] = ()
    refusal: type[QuorateError] | None = None
    quota: str | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the task has the picture, since now or before."""
        return self.status in ("accepted", "duplicate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A file that is a picture: as uploaded by its hash, and as it is to be stored."""

    sha256: str
    stored_sha256: str
    crc32: int
    picture: Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A file that is no picture, and why."""

    reason: str
    kind: type[QuorateError]


@dataclass(frozen=True, slots=True, kw_only=True)
class Storable:
    """An image with its bytes and those of its renditions, the smallest first, to be stored.

    `notes` say what of the file was changed on the way in.
    """

    image: Image
    data: bytes
    renditions: tuple[bytes, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checker:
    """Decodes pictures in threads of its own, one at a time in each, and all within the budget."""

    threads: ThreadPoolExecutor
    limits: PictureLimits
    budget: DecodingBudget

    async def check(self, data: bytes) -> Checked:
        """Raises one of the errors of `shared.pictures`."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, self._check, data)

    async def rendition(self, data: bytes, wanted: Rendition) -> bytes:
        """One rendition of a stored picture. Raises one of the errors of `shared.pictures`."""
        make = partial(rendition, data, wanted, self.limits.of_stored, self.budget)
        return await asyncio.get_running_loop().run_in_executor(self.threads, make)

    def _check(self, data: bytes) -> Checked:
        picture = check(data, self.limits, self.budget)
        sha256 = hashlib.sha256(data).hexdigest()
        stored_sha256 = sha256 if picture.data == data else hashlib.sha256(picture.data).hexdigest()
        crc32 = zlib.crc32(picture.data)
        return Checked(sha256=sha256, stored_sha256=stored_sha256, crc32=crc32, picture=picture)


class Ingest:
    """Takes the files of one upload to one task. `saved` is told of every batch that made images visible: how many,
    and when the last of them was taken in. `allowed` says what the task's team may have."""

    def __init__(
        self,
        task: Task,
        *,
        store: TaskStore,
        objects: ObjectStore,
        checker: Checker,
        clock: Clock,
        saved: Callable[[int, float], Awaitable[None]],
        allowed: Callable[[], Awaitable[Allowed]],
    ) -> None:
        self._task = task
        self._store = store
        self._objects = objects
        self._checker = checker
        self._clock = clock
        self._saved = saved
        self._allowed = allowed
        self._reports: list[Report | None] = []
        self._batch: list[tuple[int, Name, asyncio.Task[Checked | Refused]]] = []
        self._batch_bytes = 0
        self._last_position = 0

    async def add(self, filename: str, data: bytes, notes: tuple[str, ...] = ()) -> None:
        """Take a file; it is stored with its batch, at the latest when the upload is finished."""
        if names.is_system_file(filename):
            self.note(filename, "skipped", names.SYSTEM_FILE)
            return
        try:
            name = names.kept(filename, notes)
            refuse_other_archive(data)
        except QuorateError as error:
            self.refuse(filename, error, notes)
            return
        self._reports.append(None)
        checking = asyncio.create_task(self._checked(data))
        self._batch.append((len(self._reports) - 1, name, checking))
        self._batch_bytes += len(data)
        if len(self._batch) >= BATCH_FILES or self._batch_bytes >= BATCH_BYTES:
            await self._store_batch()

    def refuse(self, filename: str, error: QuorateError, notes: tuple[str, ...] = ()) -> None:
        """Report on a file that cannot be taken."""
        self.note(filename, "rejected", error.detail, type(error), notes)

    def note(
        self,
        filename: str,
        status: Status,
        reason: str,
        refusal: type[QuorateError] | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        """Report on a file that is not taken."""
        name = names.shown(filename, notes)
        report = Report(filename=name.text, status=status, reason=reason, refusal=refusal, notes=name.notes)
        self._reports.append(report)

    @property
    def settled(self) -> Sequence[Report]:
        """The reports on the first files, up to one that waits for its batch."""
        return [report for report in takewhile(lambda one: one is not None, self._reports) if report is not None]

    async def finish(self) -> list[Report]:
        """Store what is left, and report on every file in the order it came."""
        await self._store_batch()
        return [report for report in self._reports if report is not None]

    async def abandon(self) -> None:
        """Drop what has not been stored."""
        batch, self._batch = self._batch, []
        await ended(*(checking for _, _, checking in batch))

    async def _checked(self, data: bytes) -> Checked | Refused:
        """A refusal is returned: raised, it would be held by the task that it holds, and the file's bytes with it."""
        try:
            return await self._checker.check(data)
        except QuorateError as error:
            return Refused(reason=error.detail, kind=type(error))

    async def _store_batch(self) -> None:
        outcomes = await asyncio.gather(*(checking for _, _, checking in self._batch))
        batch, self._batch, self._batch_bytes = self._batch, [], 0
        images: dict[int, Storable] = {}
        for (position, name, _), checked in zip(batch, outcomes, strict=True):
            outcome = self._within_pipeline(checked)
            if isinstance(outcome, Refused):
                self._reports[position] = Report(
                    filename=name.text,
                    status="rejected",
                    reason=outcome.reason,
                    notes=name.notes,
                    refusal=outcome.kind,
                )
            else:
                picture = outcome.picture
                images[position] = Storable(
                    image=self._image(name.text, outcome),
                    data=picture.data,
                    renditions=picture.renditions,
                    notes=(*name.notes, *picture.notes),
                )
        if images:
            await self._save(images)

    def _within_pipeline(self, checked: Checked | Refused) -> Checked | Refused:
        """A refusal in place of a picture of which the task's pipeline would make too much."""
        if self._task.pipeline is None or isinstance(checked, Refused):
            return checked
        try:
            check_picture(self._task.pipeline, checked.picture.width, checked.picture.height)
        except Invalid as error:
            return Refused(reason=error.detail, kind=type(error))
        return checked

    def _image(self, filename: str, checked: Checked) -> Image:
        image_id = domain.image_id_of(self._task.id, checked.sha256)
        picture, now = checked.picture, self._clock()
        self._last_position = max(self._last_position + 1, round(now * 1e6))
        image = Image(
            id=image_id,
            task_id=self._task.id,
            filename=filename,
            sha256=checked.sha256,
            stored_sha256=checked.stored_sha256,
            object_key=image_key(
                self._task.id,
                image_id,
                nonce=secrets.token_hex(6),
                kept=len(picture.renditions),
                extension=picture.extension,
            ),
            media_type=picture.media_type,
            size_bytes=len(picture.data),
            width=picture.width,
            height=picture.height,
            created_at=now,
            terms_revision=self._task.revision,
            position=self._last_position,
            crc32=checked.crc32,
        )
        return begun(image, self._task.pipeline)

    async def _name_first(self, filename: str) -> None:
        """Where operators go by name, the first one in a task is what the others are compared with."""
        if self._task.terms.order == "name" and not self._task.first_name:
            self._task = await self._store.update(self._task.id, partial(domain.name_first, filename=filename))

    async def _save(self, images: dict[int, Storable]) -> None:
        """Objects first, then the images that name them. Objects that no image came to name are left to the collector:
        a write that failed here may yet have happened there."""
        first: dict[str, int] = {}
        for position, one in images.items():
            first.setdefault(one.image.id, position)
        known = await self._store.known(self._task.id, list(first))
        new = [images[position] for image_id, position in first.items() if image_id not in known]
        refusals: dict[str, QuotaReached] = {}
        if new:
            await self._name_first(new[0].image.filename)
            known |= await self._store_new(new, refusals)
        for position, one in images.items():
            is_new = first[one.image.id] == position and one.image.id not in known
            refusal = refusals.get(one.image.id)
            self._reports[position] = _refused(one, refusal) if refusal else _taken(one, is_new=is_new)

    async def _store_new(self, new: Sequence[Storable], refusals: dict[str, QuotaReached]) -> set[str]:
        """Store as many of these as the team may have, from the first on, and note why the others are refused. Returns
        the ids of those that were there already after all."""
        allowed = await self._allowed()
        room = len(new)
        if allowed.bounds_images:
            used = await self._store.usage(self._task.team)
            images = [one.image for one in new]
            if refusal := image_refusal(allowed, used, images):
                room = fitting(allowed, used, images)
                refusals |= dict.fromkeys((image.id for image in images[room:]), refusal)
        taken = new[:room]
        if not taken:
            return set()
        crash_points.reached("ingest.before_objects")
        await self._objects.put_all(dict(chain.from_iterable(map(_objects, taken))))
        crash_points.reached("ingest.after_objects")
        try:
            known = await self._store.add_images(self._task, [one.image for one in taken], allowed=allowed)
        except QuotaReached as refusal:  # others were faster: none of these was saved, nor will be
            refusals |= dict.fromkeys((one.image.id for one in taken), refusal.with_traceback(None))
            await self._objects.delete([key for one in taken for key in with_renditions(one.image.object_key)])
            return set()
        crash_points.reached("ingest.after_images")
        if new_ones := [one.image.created_at for one in taken if one.image.id not in known]:
            await self._saved(len(new_ones), max(new_ones))
        return known


def _refused(one: Storable, refusal: QuotaReached) -> Report:
    return Report(
        filename=one.image.filename,
        status="rejected",
        sha256=one.image.sha256,
        reason=refusal.detail,
        notes=one.notes,
        refusal=type(refusal),
        quota=refusal.quota,
    )


def _taken(one: Storable, *, is_new: bool) -> Report:
    return Report(
        filename=one.image.filename,
        status="accepted" if is_new else "duplicate",
        image_id=one.image.id,
        sha256=one.image.sha256,
        notes=one.notes,
    )


def _objects(one: Storable) -> Iterable[tuple[str, bytes]]:
    return zip(with_renditions(one.image.object_key), (one.data, *one.renditions), strict=False)
