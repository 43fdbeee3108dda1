"""How much work waits for operators, on MongoDB: a count by index, and the first free place of some tasks."""

import asyncio

from services.subtask_manager.store import MAX_OPEN, TASKS_LOOKED_AT, Backlog
from services.subtask_manager.store.mongo.places import MongoPlaces
from shared.mongo.connection import Collection, count, read
from shared.mongo.faults import errors_named


async def backlog(subtasks: Collection, briefs: Collection, places: MongoPlaces) -> Backlog:
    """A subtask has a place for as long as it is open, so the index of places counts the open ones."""
    listed = briefs.find({"listed": {"$gt": ""}}, {"_id": 1}).sort("listed", 1)
    with errors_named():
        counted = count(subtasks, {"place.task_id": {"$gt": ""}}, MAX_OPEN)
        is_open, tasks = await asyncio.gather(counted, read(listed, TASKS_LOOKED_AT))
    first = await asyncio.gather(*(places.first_opening(one["_id"]) for one in tasks))
    return Backlog(open=is_open, waits_since=min((at for at in first if at is not None), default=None))
