"""Operators' leases in MongoDB: found by their holder, and written many at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from pymongo import UpdateOne

from services.subtask_manager.domain import live_leases
from services.subtask_manager.store import MAX_HELD, Decide, Leased
from services.subtask_manager.store.mongo.briefs import MongoBriefs
from services.subtask_manager.subtask import Brief, Subtask
from shared.decision import Decision
from shared.errors import NotFound
from shared.mongo import Documents, Stored
from shared.mongo.connection import Document, count, read
from shared.mongo.faults import errors_named

MAX_LEASED = 10_000

Held = tuple[Subtask, Brief]
Found = tuple[Stored[Subtask], Brief]
Update = Callable[[str, Decide[bool]], Awaitable[Decision[Subtask, bool]]]


class Grant(NamedTuple):
    """A lease that the rule grants: the subtask as it was read and with the lease, and its brief."""

    stored: Stored[Subtask]
    leased: Subtask
    brief: Brief


class MongoLeases:
    """The leases of all operators. A subtask names its `holders`, live and lapsed."""

    def __init__(self, subtasks: Documents[Subtask], briefs: MongoBriefs, update: Update) -> None:
        self._subtasks = subtasks
        self._briefs = briefs
        self._update = update

    async def of(self, team: str, operator: str, task_id: str | None, limit: int = MAX_HELD) -> list[Found]:
        """The subtasks of a team that an operator holds or held, in one task or in all that they may label, by id."""
        query: Document = {"holders": {"$in": [operator]}}
        query["leased_until"] = {"$gt": 0}  # nx-27017: always true; it has no index on arrays, and one on this
        if task_id is not None:
            query["task_id"] = {"$eq": task_id}  # nx-27017: $eq for the index
        cursor = self._subtasks.collection.find(query)
        cursor = cursor.sort("leased_until", -1)  # nx-27017: in the index's order; by _id it reads every subtask
        with errors_named():
            documents = sorted(await read(cursor, limit), key=lambda document: document["_id"])
        own = [self._subtasks.stored(document) for document in documents]
        briefs = [await self._briefs.find(stored.state.task_id) for stored in own]
        found = zip(own, briefs, strict=True)
        return [(stored, brief) for stored, brief in found if brief is not None and brief.is_for(team, operator)]

    async def live(self, team: str, operator: str, now: float) -> list[Held]:
        """The subtasks of a team that an operator holds now."""
        found = [(stored.state, brief) for stored, brief in await self.of(team, operator, None)]
        return [one for one in found if any(it.operator == operator for it in live_leases(one[0], now))]

    async def save(self, grants: Sequence[Grant], rule: Decide[bool]) -> list[Held]:
        """Write leases, all at once. Where other writers were faster, look up which leases were saved, and ask the rule
        again for the others. Returns those that the operator has now."""
        if not grants:
            return []
        writes = [UpdateOne(*self._subtasks.guarded(grant.stored, grant.leased, [])) for grant in grants]
        with errors_named():
            written = await self._subtasks.collection.bulk_write(writes, ordered=False)
        held = {grant.leased.id: (grant.leased, grant.brief) for grant in grants}
        lost = [] if written.matched_count == len(grants) else await self._lost([leased for leased, _ in held.values()])
        again = await asyncio.gather(*(self._ask_again(*held.pop(subtask_id), rule) for subtask_id in lost))
        return [*held.values(), *(one for one in again if one is not None)]

    async def forget(self, operator: str, lapsed: Sequence[Stored[Subtask]]) -> None:
        """Take the operator off the holders of subtasks, where nothing has changed since they were read."""
        updates = [
            UpdateOne(
                {"_id": stored.state.id, "version": stored.document["version"]},
                {"$set": {"holders": [holder for holder in stored.document["holders"] if holder != operator]}},
            )
            for stored in lapsed
        ]
        if updates:
            with errors_named():
                await self._subtasks.collection.bulk_write(updates, ordered=False)

    async def count(self, now: float) -> Leased:
        """How many subtasks are leased, and how many were, up to `MAX_LEASED` of each."""
        live, lapsed = await asyncio.gather(self._count_until({"$gt": now}), self._count_until({"$lte": now}))
        return Leased(live=live, lapsed=lapsed)

    async def _lost(self, leased: Sequence[Subtask]) -> list[str]:
        """The ids of those whose lease was not saved: the answer to a bulk write does not say."""
        with errors_named():
            found = await read(self._subtasks.collection.find({"_id": {"$in": [one.id for one in leased]}}))
        now = {document["_id"]: self._subtasks.stored(document).state.leases for document in found}
        return [one.id for one in leased if one.leases[-1] not in now.get(one.id, ())]

    async def _ask_again(self, leased: Subtask, brief: Brief, rule: Decide[bool]) -> Held | None:
        try:
            decision = await self._update(leased.id, rule)
        except NotFound:  # its task was cancelled and purged meanwhile
            return None
        return (decision.state, brief) if decision.answer else None

    async def _count_until(self, until: Document) -> int:
        return await count(self._subtasks.collection, {"leased_until": until}, MAX_LEASED)
