"""Computes tasks' statistics off the request path: one task at a time, in pages, half of the time at rest."""

import asyncio
import logging
import time

from services.task_manager import statistics
from services.task_manager.statistics import Fold, Saved
from services.task_manager.store import TaskStore
from shared.clock import Clock
from shared.ending import ended
from shared.errors import NotFound, QuorateError

log = logging.getLogger(__name__)

PAGE = 1_000
MAX_WANTED = 1_000
"""Tasks that wait to be computed at the most; those beyond are asked for again."""
RATE_S = 60.0


class Statistician:
    """Answers with what is saved, and computes anew what is asked for and out of date."""

    def __init__(self, store: TaskStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._wanted: dict[str, None] = {}
        self._asked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="statistician")

    async def close(self) -> None:
        """Stop where it stands: what was under way is computed again when it is asked for."""
        await ended(self._task)

    async def statistics(self, task_id: str) -> Saved | None:
        """The statistics as they were saved last, None before the first. Raises NotFound."""
        task, counts = await self._store.find(task_id)
        known = await self._store.statistics(task_id)
        if known is None or (
            statistics.is_due(known, task, self._clock())
            and (
                statistics.is_outdated(known, counts)
                or known["is_final"] is not (task.state == "completed")
                or await self._store.has_ended_since(task_id, known["newest_at"])
            )
        ):
            self._want(task_id)
        return known and statistics.upgraded(known)

    def _want(self, task_id: str) -> None:
        if len(self._wanted) < MAX_WANTED:
            self._wanted[task_id] = None
            self._asked.set()

    async def _run(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            while self._wanted:
                task_id = next(iter(self._wanted))
                try:
                    await self.compute(task_id)
                except NotFound:
                    log.info("a task was erased before its statistics were computed")
                except QuorateError as error:
                    log.warning("statistics cannot be computed now: %s", error.detail)
                finally:
                    self._wanted.pop(task_id, None)

    async def compute(self, task_id: str) -> None:
        """Fold all images of a task, and save what comes of it."""
        as_of, began = self._clock(), time.monotonic()
        task, counts = await self._store.find(task_id)
        fold, after = Fold(task=task), ""
        while images := await self._store.images(task_id, state=None, label=None, after=after, limit=PAGE):
            page_began = time.monotonic()
            fold.add(images)
            after = images[-1].id
            await asyncio.sleep(time.monotonic() - page_began)
        rate = float(await self._store.votes_since(task_id, as_of - RATE_S))
        took_s = time.monotonic() - began
        known = statistics.saved(fold, counts, as_of=as_of, took_s=took_s, votes_per_minute=rate)
        await self._store.save_statistics(task_id, known)
