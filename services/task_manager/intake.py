"""How files get into a task: an ingest, with which the task is registered while it lasts, so that nobody seals it."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

from services.task_manager import domain
from services.task_manager.domain import Task
from services.task_manager.ingest import Checker, Ingest, Report
from services.task_manager.metrics import BatchMetrics
from services.task_manager.store import TaskStore
from services.task_manager.team_quotas import allowed_to
from shared.bus import Bus
from shared.clock import Clock
from shared.ending import ended
from shared.errors import QuorateError, Unavailable
from shared.objects import ObjectStore
from shared.outbox import Relay
from shared.quotas import Quotas
from shared.stored_images import ImagesStored

RENEW_S = domain.REGISTRATION_S / 3
TELL_S = 0.2
"""No upload waits longer for a bus that is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Where files come in, whoever brings them: requests, or imports in the background."""

    store: TaskStore
    objects: ObjectStore
    checker: Checker
    clock: Clock
    bus: Bus
    relay: Relay
    quotas: Quotas
    metrics: BatchMetrics

    @contextlib.asynccontextmanager
    async def ingest(self, task_id: str) -> AsyncIterator[Ingest]:
        """An ingest whose upload is registered with the task for as long as it lasts, however it ends.

        Raises NotFound, NotOpen and Cancelled.
        """
        async with self._registered(task_id, secrets.token_hex(8)) as task:
            ingest = Ingest(
                task,
                store=self.store,
                objects=self.objects,
                checker=self.checker,
                clock=self.clock,
                saved=partial(self._tell, task.team),
                allowed=partial(allowed_to, self.quotas, task.team),
            )
            try:
                yield ingest
            finally:
                await ingest.abandon()

    async def finish(self, ingest: Ingest) -> list[Report]:
        """Once it is answered, the subtask manager can see in its queue what is coming."""
        reports = await ingest.finish()
        await self.relay.hand_over()
        self.metrics.files(report.status for report in reports)
        return reports

    @contextlib.asynccontextmanager
    async def _registered(self, task_id: str, upload_id: str) -> AsyncIterator[Task]:
        """The task, which knows of the upload. It is told of the end even where the caller hung up while the
        registration was being saved: nobody could seal the task until that lapses."""
        renewal: asyncio.Task[None] | None = None
        try:
            task = await self.store.update(task_id, partial(domain.register_upload, upload_id=upload_id))
            renewal = asyncio.create_task(self._renew(task_id, upload_id))
            yield task
        finally:
            await asyncio.shield(self._end(task_id, upload_id, renewal))

    async def _end(self, task_id: str, upload_id: str, renewal: asyncio.Task[None] | None) -> None:
        await ended(renewal)  # one under way would register the upload again
        with contextlib.suppress(QuorateError):  # an upload that is not ended lapses
            await self.store.update(task_id, partial(domain.end_upload, upload_id=upload_id))

    async def _renew(self, task_id: str, upload_id: str) -> None:
        """Keep the task from being sealed while a long upload goes on. If it cannot be, saving images says so."""
        while True:
            await asyncio.sleep(RENEW_S)
            with contextlib.suppress(QuorateError):
                await self.store.update(task_id, partial(domain.register_upload, upload_id=upload_id))

    async def _tell(self, team: str, images: int, at: float) -> None:
        """Say that images of a team come, so that its operators wait for them; what that says may be lost."""
        stored = ImagesStored(images_stored=images, stored_for_team=team, stored_at=at)
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(TELL_S):
                await self.bus.broadcast(stored.model_dump_json().encode())
        self.relay.wake()
