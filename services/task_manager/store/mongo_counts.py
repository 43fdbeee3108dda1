"""How many images a task has by state: read where they are few, else counted by index, and where they are many not all
the time."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass

from cachetools import LRUCache

from services.task_manager.counting import STATES, counts_in
from services.task_manager.domain import Counts
from shared.mongo.connection import Collection, count, read
from shared.mongo.faults import errors_named

SMALL = 500
"""So many states come in one answer, and belong together."""
LARGE = 10_000
REST = 20
"""Counting a large task takes at most one part in so many of the time."""
CACHED = 1_024


@dataclass(frozen=True, slots=True)
class _Counted:
    counts: Counts
    until: float


class MongoCounts:
    """Recounts on demand."""

    def __init__(self, images: Collection) -> None:
        self._images = images
        self._counted: LRUCache[str, _Counted] = LRUCache(CACHED)

    async def of(self, task_id: str) -> Counts:
        """The counts of a task; where it is large they may be as old as counting them took, so many times over."""
        known = self._counted.get(task_id)
        if known is not None and time.monotonic() < known.until:
            return known.counts
        began = time.monotonic()
        counts = await self.recounted(task_id)
        if counts.images >= LARGE:
            self._counted[task_id] = _Counted(counts, time.monotonic() + REST * (time.monotonic() - began))
        return counts

    async def recounted(self, task_id: str) -> Counts:
        """The counts of a task as they are now."""
        states = await self._states(task_id)
        if len(states) <= SMALL:
            return counts_in(len(states), Counter(states))
        named = [*STATES, "open"]
        counted = await asyncio.gather(*(self._count(task_id, state) for state in named))
        return counts_in(sum(counted), Counter(dict(zip(named, counted, strict=True))))

    async def _states(self, task_id: str) -> list[str]:
        """The states of its images, or of some where it is not small."""
        with errors_named():
            of_task = {"task_id": {"$eq": task_id}}  # nx-27017: $eq for the index
            cursor = self._images.find(of_task, {"_id": 0, "state": 1})
            return [one["state"] for one in await read(cursor, SMALL + 1)]

    async def _count(self, task_id: str, state: str) -> int:
        query = {"task_id": {"$eq": task_id}, "state": {"$eq": state}}  # nx-27017: $eq for the index
        return await count(self._images, query)
