"""Free places of tasks in MongoDB: each query is one range of one index, whatever the size of the task."""

import asyncio
from collections.abc import Sequence

from services.subtask_manager.search import Window
from services.subtask_manager.subtask import Subtask
from services.subtask_manager.walk import Candidate
from shared.mongo import Documents, Stored
from shared.mongo.connection import Document, count, read
from shared.mongo.faults import errors_named

MAX_COUNTED = 1_000
BY_OPENING = ("place.at", "place.slot")
Place = tuple[Candidate, Stored[Subtask]]


class MongoPlaces:
    """Where subtasks have free places, and whether tasks have open subtasks."""

    def __init__(self, subtasks: Documents[Subtask]) -> None:
        self._subtasks = subtasks

    async def window(self, task_id: str, window: Window, now: float) -> list[Place]:
        """The subtasks of a window whose places are free now."""
        if window.walk.is_in_openings:
            return await self._openings(task_id, window, now)
        first, end = window.walk.slots()
        slots = {"place.slot": {"$gte": first, "$lt": end}, "place.at": {"$lte": now}}
        return await self._places(task_id, slots, ("place.slot",), window.size)

    async def first_opening(self, task_id: str) -> float | None:
        """When the first place of a task opened, or will open."""
        first = await self._places(task_id, {}, BY_OPENING, 1)
        return first[0][0].available_at if first else None

    async def has_open(self, task_id: str) -> bool:
        query = {"task_id": {"$eq": task_id}, "state": {"$eq": "open"}}  # nx-27017: $eq for the index
        with errors_named():
            return await self._subtasks.collection.find_one(query, {"_id": 1}) is not None

    async def count_open(self, task_ids: Sequence[str], limit: int = MAX_COUNTED) -> int:
        """Open subtasks of these tasks, counted to `limit`: to operators who wait, more makes no difference."""
        of = {"$in": [*task_ids]} if len(task_ids) != 1 else {"$eq": task_ids[0]}  # nx-27017: $eq for the index
        query: Document = {"task_id": of, "state": {"$eq": "open"}}  # nx-27017: $eq for the index
        return await count(self._subtasks.collection, query, limit)

    async def _openings(self, task_id: str, window: Window, now: float) -> list[Place]:
        """Places that opened after the last one that the walk has seen.

        The range begins at that place's instant, at which rarely another one opened: those seen before are left out
        here. Where that many opened at one instant that they fill the window, two ranges begin after them.
        """
        since, slot = window.walk.seen_to
        found = await self._places(task_id, {"place.at": {"$gte": since, "$lte": now}}, BY_OPENING, window.size)
        new = [place for place in found if place[0].opening > (since, slot)]
        if len(new) == len(found) or len(found) < window.size:
            return new
        same_instant = {"place.at": {"$eq": since}, "place.slot": {"$gt": slot}}  # nx-27017: $or has no index
        same, later = await asyncio.gather(
            self._places(task_id, same_instant, BY_OPENING, window.size),
            self._places(task_id, {"place.at": {"$gt": since, "$lte": now}}, BY_OPENING, window.size),
        )
        return (same + later)[: window.size]

    async def _places(self, task_id: str, where: Document, order: Sequence[str], size: int) -> list[Place]:
        of_task = {"place.task_id": {"$eq": task_id}}  # nx-27017: $eq for the index
        cursor = self._subtasks.collection.find({**of_task, **where})
        with errors_named():
            found = await read(cursor.sort([(field, 1) for field in order]), size)
        return [(_candidate(document), self._subtasks.stored(document)) for document in found]


def _candidate(document: Document) -> Candidate:
    place = document["place"]
    return Candidate(id=document["_id"], slot=place["slot"], available_at=place["at"], has_votes=place["has_votes"])
