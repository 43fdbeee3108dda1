"""Briefs in MongoDB: one document a task, its tombstone, and whether the task may have open subtasks.

`listed`, by which tasks are ordered, is there while it may. It is taken down in three steps, so that a subtask that is
opened meanwhile is never hidden and a crash between them does no harm: `closing` is set to a token, no open subtask is
found, and `listed` goes only if `closing` is still that token. Who opens a subtask reads the brief after that and puts
`listed` up again.

A listed task in which nobody can have anything now, for other people hold it all, rests: until `rests_until` operators
look at it only where no other task has enough for them.
"""

import asyncio
import secrets
import time
import weakref
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pymongo.errors import DuplicateKeyError

from services.subtask_manager.domain import Brief
from services.subtask_manager.store.codec import BRIEFS
from shared.batcher import Batcher
from shared.clock import Clock
from shared.errors import NotFound
from shared.mongo import Collection, Document, errors_named

FRESH_S = 1.0
"""How long another process's tombstone may go unseen."""
CACHED = 4096


@dataclass(frozen=True, slots=True)
class _Known:
    brief: Brief | None
    is_cancelled: bool
    until: float


class Listed(NamedTuple):
    """A task in the list, and its place there."""

    place: str
    task_id: str


class MongoBriefs:
    """The briefs of all tasks, those used last kept in memory."""

    def __init__(self, collection: Collection, clock: Clock) -> None:
        self._collection = collection
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self.admit = Batcher(self._admit_all)
        self._turns: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def keep(self, brief: Brief) -> None:
        """Save the terms of a task; those that came first stay."""
        async with self._turn(brief.task_id):  # the first images of a task come together
            known = self._known.get(brief.task_id)
            if known is not None and (known.brief is not None or known.is_cancelled):
                return
            try:
                with errors_named():
                    await self._collection.insert_one(_new(brief))
            except DuplicateKeyError:
                await self._read(brief.task_id)
            else:
                self._know(brief.task_id, brief, is_cancelled=False)

    async def get(self, task_id: str) -> Brief:
        """The terms of a task. Raises NotFound where it is cancelled or not known."""
        known = self._known.get(task_id)
        if known is None or known.until < time.monotonic():
            known = await self._read(task_id)
        if known is None or known.brief is None or known.is_cancelled:
            raise NotFound("no such subtask")
        return known.brief

    async def is_known(self, task_id: str) -> bool:
        """Whether any image of the task has come. Raises NotFound for a cancelled task."""
        known = self._known.get(task_id)
        if known is None or known.until < time.monotonic():
            known = await self._read(task_id)
        if known is not None and known.is_cancelled:
            raise NotFound("no such task")
        return known is not None

    async def listed(self, first: str, limit: int) -> list[Listed]:
        """Tasks that may have open subtasks, oldest first, from the place `first` on; reads their briefs."""
        return await self._listed({"listed": {"$gte": first}}, limit)

    async def awake(self, first: str, limit: int, now: float) -> list[Listed]:
        """Those of them that do not rest, from the place `first` on."""
        return await self._listed({"listed": {"$gte": first}, "rests_until": {"$lte": now}}, limit)

    async def resting(self, limit: int, now: float) -> list[Listed]:
        """Those that do, and those that were woken at this instant."""
        return await self._listed({"listed": {"$gte": ""}, "rests_until": {"$gte": now}}, limit)

    async def rest(self, task_id: str, until: float, now: float) -> None:
        """Let a task rest that is awake. Whoever opens a subtask in it, or makes a place free sooner, wakes it up."""
        awake = {"_id": task_id, "rests_until": {"$lte": now}}
        with errors_named():
            await self._collection.update_one(awake, {"$set": {"rests_until": until}})

    async def wake(self, task_id: str, now: float) -> None:
        """End a task's rest, if it rests: now, so that a search that began before still finds it with those that do."""
        resting = {"_id": task_id, "rests_until": {"$gt": now}}
        with errors_named():
            await self._collection.update_one(resting, {"$set": {"rests_until": now}})

    async def unlist(self, task_id: str, has_open: Callable[[str], Awaitable[bool]]) -> None:
        """Take a task down that seems to have no open subtask, unless one is opened meanwhile."""
        if await has_open(task_id):
            return
        token = secrets.token_hex(8)
        with errors_named():
            await self._collection.update_one({"_id": task_id}, {"$set": {"closing": token}})
        if not await has_open(task_id):
            mine = {"_id": task_id, "closing": token}
            with errors_named():
                await self._collection.update_one(mine, {"$unset": {"listed": "", "closing": ""}})

    async def cancel(self, task_id: str) -> None:
        """Put up the task's tombstone."""
        tombstone = {"$set": {"is_cancelled": True}, "$unset": {"listed": "", "closing": ""}}
        try:
            with errors_named():
                await self._collection.update_one({"_id": task_id}, tombstone, upsert=True)
        except DuplicateKeyError:  # somebody else inserted it between
            with errors_named():
                await self._collection.update_one({"_id": task_id}, tombstone)
        self._known.pop(task_id, None)

    async def is_cancelled(self, task_id: str) -> bool:
        """Whether the tombstone is up, by the database."""
        with errors_named():
            document = await self._collection.find_one({"_id": task_id}, {"is_cancelled": 1})
        return document is not None and bool(document["is_cancelled"])

    async def forget_terms(self, task_id: str) -> None:
        """Keep nothing of a cancelled task but its tombstone."""
        with errors_named():
            await self._collection.update_one({"_id": task_id, "is_cancelled": True}, {"$unset": {"body": ""}})

    async def _listed(self, where: Document, limit: int) -> list[Listed]:
        with errors_named():
            cursor = self._collection.find(where).sort("listed", 1).limit(limit)
            found = await cursor.batch_size(limit).to_list()
        for document in found:
            self._remember(document)  # they are looked through next
        return [Listed(one["listed"], one["_id"]) for one in found]

    async def _admit_all(self, task_ids: Sequence[str]) -> list[bool]:
        """For each task, whether a subtask that was just saved in it may stay; the task is listed then, and awake."""
        with errors_named():
            found = await self._collection.find({"_id": {"$in": [*set(task_ids)]}}).to_list()
        admitted: set[str] = set()
        for document in found:
            known = self._remember(document)
            if known.brief is not None and not known.is_cancelled:
                admitted.add(document["_id"])
                await self._list_awake(document, known.brief)
        return [task_id in admitted for task_id in task_ids]

    async def _list_awake(self, document: Document, brief: Brief) -> None:
        now = self._clock()
        if "listed" in document and "closing" not in document and document["rests_until"] <= now:
            return
        change = {"$set": {"listed": _place(brief), "rests_until": now}, "$unset": {"closing": ""}}
        with errors_named():
            await self._collection.update_one({"_id": brief.task_id, "is_cancelled": False}, change)

    async def _read(self, task_id: str) -> _Known | None:
        with errors_named():
            document = await self._collection.find_one({"_id": task_id})
        return None if document is None else self._remember(document)

    def _remember(self, document: Document) -> _Known:
        task_id = document["_id"]
        before = self._known.get(task_id)
        brief = None if before is None else before.brief
        if brief is None and "body" in document:
            brief = BRIEFS.read_document(document)
        return self._know(task_id, brief, is_cancelled=bool(document["is_cancelled"]))

    def _know(self, task_id: str, brief: Brief | None, *, is_cancelled: bool) -> _Known:
        known = _Known(brief, is_cancelled, time.monotonic() + FRESH_S)
        self._known[task_id] = known
        self._known.move_to_end(task_id)
        if len(self._known) > CACHED:
            self._known.popitem(last=False)
        return known

    def _turn(self, task_id: str) -> asyncio.Lock:
        return self._turns.setdefault(task_id, asyncio.Lock())


def _new(brief: Brief) -> Document:
    return {
        "_id": brief.task_id,
        "listed": _place(brief),
        "rests_until": 0.0,
        "is_cancelled": False,
        **BRIEFS.document(brief),
    }


def _place(brief: Brief) -> str:
    """A task's place in the list, as text: microseconds since the epoch, and its id where those are the same."""
    return f"{round(brief.created_at * 1_000_000):020}/{brief.task_id}"
