"""Briefs in MongoDB: one document a task, its tombstone, and whether the task may have open subtasks.

`listed` is there while it may. It is taken down in three steps, so that a subtask that is opened meanwhile is never
hidden and a crash between them does no harm: `closing` is set to a token, no open subtask is found, and `listed` goes
only if `closing` is still that token. Who opens a subtask reads the brief after that and puts `listed` up again.
"""

import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pymongo.errors import DuplicateKeyError

from services.subtask_manager.domain import Brief
from services.subtask_manager.store.codec import decode_brief, encode
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


class MongoBriefs:
    """The briefs of all tasks, those used last kept in memory."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def keep(self, brief: Brief) -> None:
        """Save the terms of a task; those that came first stay."""
        known = self._known.get(brief.task_id)
        if known is not None and (known.brief is not None or known.is_cancelled):
            return
        new = {"_id": brief.task_id, "id": brief.task_id, "created_at": brief.created_at, "is_cancelled": False}
        try:
            with errors_named():
                await self._collection.insert_one({**new, "body": encode(brief).decode()})
        except DuplicateKeyError:
            return

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

    async def admit(self, task_id: str) -> bool:
        """Whether a subtask that was just saved may stay; its task is listed then."""
        with errors_named():
            document = await self._collection.find_one({"_id": task_id})
        if document is None or self._remember(document).is_cancelled:
            return False
        if "listed" not in document or "closing" in document:
            change = {"$set": {"listed": document["created_at"]}, "$unset": {"closing": ""}}
            with errors_named():
                await self._collection.update_one({"_id": task_id, "is_cancelled": False}, change)
        return True

    async def listed(self, after: tuple[float, str], limit: int) -> list[tuple[float, str]]:
        """Tasks that may have open subtasks, oldest first, as (created at, id), from `after` on; reads their briefs."""
        created_at, task_id = after
        query = {"$or": [{"listed": created_at, "id": {"$gte": task_id}}, {"listed": {"$gt": created_at}}]}
        with errors_named():
            cursor = self._collection.find(query).sort([("listed", 1), ("id", 1)]).limit(limit).batch_size(limit)
            found = await cursor.to_list()
        for document in found:
            self._remember(document)  # they are looked through next
        return [(one["listed"], one["_id"]) for one in found]

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

    async def _read(self, task_id: str) -> _Known | None:
        with errors_named():
            document = await self._collection.find_one({"_id": task_id})
        return None if document is None else self._remember(document)

    def _remember(self, document: Document) -> _Known:
        task_id, body = document["_id"], document.get("body")
        before = self._known.pop(task_id, None)
        brief = before.brief if before is not None and before.brief is not None else body and decode_brief(body)
        known = _Known(brief or None, bool(document["is_cancelled"]), time.monotonic() + FRESH_S)
        self._known[task_id] = known
        if len(self._known) > CACHED:
            self._known.popitem(last=False)
        return known
