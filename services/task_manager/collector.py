"""What must happen though nobody asks: erasing and purging cancelled tasks, completing finished ones, removing lost
objects."""

import asyncio
import contextlib
import logging
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from services.task_manager import domain, purging
from services.task_manager.completing import complete
from services.task_manager.imports.store import ImportStore
from services.task_manager.store import TaskStore
from shared.clock import Clock
from shared.ending import ended
from shared.errors import NotFound, Unavailable
from shared.objects import ObjectStore
from shared.objects.keys import image_of, is_staged, original_of, staged_prefix, work_prefix
from shared.telemetry.trouble import Trouble

log = logging.getLogger(__name__)

SWEEP_S = 600.0
GRACE_S = 3600.0
"""An object that no image names is removed when it is so old: until then an upload may be about to name it, or to take
it in where it is a staged file, which no image ever names."""
STEP_GRACE_S = 86_400.0
"""The same of a task with a pipeline: a worker stores before it tells, and a queue may be long."""
BATCH = 500
DAY_S = 86_400.0


class Collector:
    """Erases when woken, and sweeps every ten minutes."""

    def __init__(
        self,
        store: TaskStore,
        imports: ImportStore,
        objects: ObjectStore,
        clock: Clock,
        *,
        relay_wake: Callable[[], None],
        cancelled_days: float,
        fail_dead: Callable[[], Awaitable[None]],
    ) -> None:
        """`cancelled_days`: after so many nothing stays of a cancelled task; 0: it stays. `fail_dead`: fails images
        whose steps were given up."""
        self._fail_dead = fail_dead
        self._store = store
        self._imports = imports
        self._objects = objects
        self._clock = clock
        self._relay_wake = relay_wake
        self._cancelled_s = cancelled_days * DAY_S
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._trouble = Trouble(log, "a sweep stopped")

    def start(self) -> None:
        """Begin with what a crash may have left undone. Lost objects are not looked for yet: nobody waits for them, to
        list a bucket is work, and replicas come and go."""
        self._task = asyncio.create_task(self._run(), name="collector")

    def wake(self) -> None:
        """A task was cancelled."""
        self._woken.set()

    async def close(self) -> None:
        """Stop where it stands; the next sweep goes on from there."""
        await ended(self._task)

    async def sweep(self) -> None:
        """Erase, complete and collect all there is."""
        await self._tidy()
        await self._collect()

    async def _run(self) -> None:
        with self._trouble:  # the next sweep goes on where this one stopped
            await self._tidy()
        due_at = time.monotonic() + random.uniform(0, SWEEP_S)  # noqa: S311 - only spreads
        while True:
            try:
                await asyncio.wait_for(self._woken.wait(), max(0.0, due_at - time.monotonic()))
            except TimeoutError:
                with self._trouble:  # the next sweep goes on where this one stopped
                    await self.sweep()
                due_at = time.monotonic() + SWEEP_S
            else:
                self._woken.clear()
                with self._trouble:  # the next sweep goes on where this one stopped
                    await self._erase_cancelled()

    async def _tidy(self) -> None:
        await self._erase_cancelled()
        await self._store.finish_removals()
        for task_id in await self._store.unfinished():
            await complete(self._store, task_id)
            self._relay_wake()
        if self._cancelled_s:
            await self._purge(self._clock() - self._cancelled_s)
        with contextlib.suppress(Unavailable):  # the next sweep looks again
            await self._fail_dead()

    async def _purge(self, before: float) -> None:
        """Tell the others to forget what was cancelled before then; what they were told of at the last sweep goes."""
        for task_id in await self._store.purgeable(before=before, limit=BATCH):
            if await self._store.forget(task_id):
                log.info("a cancelled task was purged", extra={"task_id": task_id})
                continue
            with contextlib.suppress(NotFound):  # another replica was faster
                await self._store.update(task_id, partial(purging.purge, before=before))
            self._relay_wake()

    async def _erase_cancelled(self) -> None:
        for task_id in await self._store.unerased():
            await self._erase(task_id)

    async def _erase(self, task_id: str) -> None:
        await self._imports.remove_of(task_id)
        for prefix in (f"{task_id}/", staged_prefix(task_id), work_prefix(task_id)):
            async for keys in _batches(self._objects.keys(prefix, stored_before=math.inf)):
                await self._objects.delete(keys)
        while await self._store.remove_images(task_id, BATCH) == BATCH:
            pass
        await self._store.update(task_id, domain.mark_erased)
        log.info("a cancelled task was erased", extra={"task_id": task_id})
        self._relay_wake()

    async def _collect(self) -> None:
        now, is_any_kept = self._clock(), False
        async for keys, lost in self._lost(now - GRACE_S):
            working = await self._working({image_of(key)[0] for key in lost})
            is_any_kept |= bool(working)
            await self._remove(keys, {key for key in lost if image_of(key)[0] not in working})
        if is_any_kept:
            async for keys, lost in self._lost(now - STEP_GRACE_S):
                await self._remove(keys, lost)

    async def _lost(self, before: float) -> AsyncIterator[tuple[list[str], set[str]]]:
        """Keys of objects stored before then, batch by batch, and which of their originals no image names."""
        async for keys in _batches(self._objects.keys("", stored_before=before)):
            images = {original_of(key) for key in keys if not is_staged(key)}
            yield keys, images - await self._store.referenced(sorted(images))

    async def _working(self, task_ids: set[str]) -> set[str]:
        """Those of the tasks of whose images workers may have stored something that they have yet to tell."""
        found: set[str] = set()
        for task_id in task_ids:
            with contextlib.suppress(NotFound):
                task = await self._store.task(task_id)
                if task.pipeline is not None and task.state != "cancelled":
                    found.add(task_id)
        return found

    async def _remove(self, keys: list[str], lost: set[str]) -> None:
        """Remove those of the objects that are staged files, and the lost ones with their renditions."""
        unnamed = [key for key in keys if is_staged(key) or original_of(key) in lost]
        if unnamed:
            await self._objects.delete(unnamed)


async def _batches(keys: AsyncIterator[str]) -> AsyncIterator[list[str]]:
    batch: list[str] = []
    async for key in keys:
        batch.append(key)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
