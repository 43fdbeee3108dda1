"""What is saved, and in which order."""

import time
from collections.abc import Sequence
from typing import Any

from services.task_manager import collector as collecting
from services.task_manager import domain as task_domain
from services.task_manager.collector import Collector
from services.task_manager.domain import Image, Task
from services.task_manager.ingest import Ingest, Storable
from services.task_manager.store.sqlite import SqliteTaskStore
from shared.sqlite import Database
from tests.chaos.defects.planting import defect
from tests.chaos.triggers import COMMIT_LATE, Triggers

COMMIT_S = 1.0


@defect("I2", "I1", is_killed=True)
def answer_before_commit() -> None:
    """A write is answered before it is durable."""
    triggers = Triggers.from_environment()

    def store(self: Any, group: Sequence[Any]) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        for job in group:
            try:
                job.result = job.context.run(job.work, connection)
            except Exception as error:  # noqa: BLE001 - handed to whoever asked
                job.error = error
        is_early = triggers.is_set(COMMIT_LATE)
        if not is_early:
            connection.execute("COMMIT")
        for job in group:
            job.loop.call_soon_threadsafe(_resolve, job)
        if is_early:
            time.sleep(COMMIT_S)
            connection.execute("COMMIT")

    def _resolve(job: Any) -> None:
        if job.error is not None:
            job.done.set_exception(job.error)
        else:
            job.done.set_result(job.result)

    def run(self: Any) -> None:
        while (job := self._jobs.get()) is not None:
            store(self, [job])

    Database._write_until_closed = run


@defect("I1", crash_at="filesystem.before_rename:3")
def image_before_object() -> None:
    """An image is saved before its object is."""
    real_save = Ingest._save

    async def save(self: Any, images: dict[int, Storable]) -> None:
        real_put, real_add = self._objects.put_all, self._store.add_images
        objects, store = _Proxy(self._objects), _Proxy(self._store)
        waiting: list[Any] = []

        async def put_all(put: Any) -> None:
            waiting.append(put)

        async def add_images(task: Task, new: Sequence[Image], **quota: Any) -> set[str]:
            known = await real_add(task, new, **quota)
            for put in waiting:
                await real_put(put)
            return known

        objects.put_all, store.add_images = put_all, add_images
        self._objects, self._store = objects, store
        try:
            await real_save(self, images)
        finally:
            self._objects, self._store = objects.behind, store.behind

    Ingest._save = save


class _Proxy:
    def __init__(self, behind: Any) -> None:
        self.behind = behind

    def __getattr__(self, name: str) -> Any:
        return getattr(self.behind, name)


@defect("I11")
def erase_leaves_objects() -> None:
    """A cancelled task's images are removed, their objects stay."""

    async def erase(self: Any, task_id: str) -> None:
        while await self._store.remove_images(task_id, collecting.BATCH) == collecting.BATCH:
            pass
        await self._store.update(task_id, task_domain.mark_erased)

    async def collect(_self: Any) -> None:
        return

    Collector._erase, Collector._collect = erase, collect


@defect("I11", "I1")
def collector_takes_named_objects() -> None:
    """The collector does not ask whether an image names an object."""

    async def referenced(_self: Any, _keys: Sequence[str]) -> set[str]:
        return set()

    SqliteTaskStore.referenced = referenced
