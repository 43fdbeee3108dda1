"""Briefs in MongoDB: one document a task, with its tombstone and its listing (`listings.py`)."""

import asyncio
import time
import weakref
from collections.abc import Iterable
from dataclasses import dataclass

from cachetools import LRUCache
from pymongo.errors import DuplicateKeyError

from services.subtask_manager.refusals import TaskCancelled
from services.subtask_manager.store.codec import BARE_BYTES, BRIEFS, BRIEFS_CACHED_BYTES, brief_bytes
from services.subtask_manager.subtask import Brief
from shared.errors import NotFound, Unavailable
from shared.mongo.connection import Collection, Document, insert_new, read
from shared.mongo.faults import errors_named
from shared.teams import key_in

FRESH_S = 1.0
"""How long a replica may not see a tombstone or new terms that another one saved."""

TRIES = 20
"""Others may replace terms at the same time, and nx-27017 may say of a write that it was made, and not make it."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a replica remembers of a task, which is fresh until a time of the monotonic clock."""

    brief: Brief | None
    is_cancelled: bool
    until: float


class MongoBriefs:
    """The briefs of all tasks; a replica remembers those that it used last."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._known: LRUCache[str, Known] = LRUCache(BRIEFS_CACHED_BYTES, getsizeof=_bytes)
        self._turns: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def keep(self, brief: Brief) -> bool:
        """Save the terms of a task in place of those of a lower revision. False where a higher one is there, or the
        task was cancelled."""
        async with self._turn(brief.task_id):  # the first images of a task come together
            known = self._known.get(brief.task_id)
            if known is None or not (known.is_cancelled or _is_as_new(known.brief, brief)):
                if await insert_new(self._collection, [_new(brief)]):
                    known = await self._replace_older(brief)
                else:
                    known = self._know(brief.task_id, brief, is_cancelled=False)
        return (
            known is not None
            and not known.is_cancelled
            and known.brief is not None
            and known.brief.revision == brief.revision
        )

    async def get(self, task_id: str) -> Brief:
        """The terms of a task. Raises NotFound where it is not known, TaskCancelled."""
        known = await self._fresh(task_id)
        if known is not None and known.is_cancelled:
            raise TaskCancelled("no such subtask: its task was cancelled")
        if known is None or known.brief is None:
            raise NotFound("no such subtask")
        return known.brief

    async def find(self, task_id: str) -> Brief | None:
        """The terms of a task; None where it is cancelled or not known."""
        known = await self._fresh(task_id)
        return None if known is None or known.is_cancelled else known.brief

    async def find_each(self, task_ids: Iterable[str]) -> dict[str, Brief]:
        """The terms of these tasks, but of those that are cancelled or not known."""
        known = {task_id: self._fresh_of(task_id) for task_id in task_ids}
        if missing := [task_id for task_id, found in known.items() if found is None]:
            with errors_named():
                documents = await read(self._collection.find({"_id": {"$in": missing}}))
            known |= {document["_id"]: self.remember(document) for document in documents}
        return {
            task_id: found.brief
            for task_id, found in known.items()
            if found is not None and found.brief is not None and not found.is_cancelled
        }

    async def known(self, task_id: str, at_least: int = 1) -> Brief | None:
        """The terms of a task, of this revision or a later one; None where they have not come yet. Raises
        TaskCancelled."""
        known = await self._fresh(task_id)
        if known is not None and known.brief is not None and known.brief.revision < at_least:
            known = await self._read(task_id)  # another replica may have kept newer terms
        if known is not None and known.is_cancelled:
            raise TaskCancelled("the task was cancelled")
        return None if known is None or known.brief is None or known.brief.revision < at_least else known.brief

    async def of_operator(self, team: str, operator: str, task_id: str) -> Brief | None:
        """The terms of a task that an operator of the team may label; None where they have not come yet, or it is for
        others. Raises TaskCancelled."""
        brief = await self.known(task_id)
        return brief if brief is not None and brief.is_for(team, operator) else None

    async def cancel(self, task_id: str) -> None:
        """Put up the task's tombstone, and unlist it."""
        tombstone = {"$set": {"is_cancelled": True}, "$unset": {"listed": "", "closing": ""}}
        try:
            with errors_named():
                await self._collection.update_one({"_id": task_id}, tombstone, upsert=True)
        except DuplicateKeyError:  # another replica inserted the document meanwhile
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

    async def forget(self, task_id: str) -> None:
        """Remove a tombstone."""
        with errors_named():
            await self._collection.delete_one({"_id": task_id, "is_cancelled": True, "body": {"$exists": False}})
        self._known.pop(task_id, None)

    def remember(self, document: Document) -> Known:
        """Take in a brief's document that was read."""
        task_id = document["_id"]
        before = self._known.get(task_id)
        brief = None if before is None else before.brief
        if "body" in document and (brief is None or _revision_of(document) > brief.revision):
            brief = BRIEFS.read_document(document)
        return self._know(task_id, brief, is_cancelled=bool(document["is_cancelled"]))

    async def _replace_older(self, brief: Brief) -> Known | None:
        """What is there once no older terms are. Raises Unavailable where they stay: whoever told of the new ones must
        not believe that they are kept."""
        for _ in range(TRIES):
            with errors_named():
                document = await self._collection.find_one({"_id": brief.task_id})
            if document is None or document["is_cancelled"] or "body" not in document:
                break
            if _revision_of(document) >= brief.revision:
                break
            as_read = {"_id": brief.task_id, "is_cancelled": False, **_as_read(document)}
            with errors_named():
                await self._collection.update_one(as_read, {"$set": BRIEFS.document(brief)})
        else:
            raise Unavailable("the terms of a task cannot be replaced now")
        return None if document is None else self.remember(document)

    async def _fresh(self, task_id: str) -> Known | None:
        return self._fresh_of(task_id) or await self._read(task_id)

    def _fresh_of(self, task_id: str) -> Known | None:
        known = self._known.get(task_id)
        return known if known is not None and known.until >= time.monotonic() else None

    async def _read(self, task_id: str) -> Known | None:
        with errors_named():
            document = await self._collection.find_one({"_id": task_id})
        return None if document is None else self.remember(document)

    def _know(self, task_id: str, brief: Brief | None, *, is_cancelled: bool) -> Known:
        known = Known(brief, is_cancelled, time.monotonic() + FRESH_S)
        self._known[task_id] = known
        return known

    def _turn(self, task_id: str) -> asyncio.Lock:
        return self._turns.setdefault(task_id, asyncio.Lock())


def _bytes(known: Known) -> int:
    return BARE_BYTES if known.brief is None else brief_bytes(known.brief)


def place_of(brief: Brief) -> str:
    """A task's place in the list of its team: when it was created, in microseconds since the epoch, and its id."""
    return key_in(brief.team, f"{round(brief.created_at * 1_000_000):020}/{brief.task_id}")


def _is_as_new(known: Brief | None, brief: Brief) -> bool:
    return known is not None and known.revision >= brief.revision


def _as_read(document: Document) -> Document:
    """What of a brief's document is the same for as long as its terms are."""
    body = document["body"]
    return {"body": body} if isinstance(body, str) else {"body.revision": body.get("revision", {"$exists": False})}


def _revision_of(document: Document) -> int:
    """Schema 1 kept its body as text, before there were revisions."""
    body = document["body"]
    return 1 if isinstance(body, str) else body.get("revision", 1)


def _new(brief: Brief) -> Document:
    """Unlisted, for it has no subtask yet."""
    return {"_id": brief.task_id, "is_cancelled": False, **BRIEFS.document(brief)}
