"""A request for a row on MongoDB: the operator's leases, one range of one index, and what is granted of it, in bulk.

Where the first subtasks that are free have enough, it takes five round trips at the most, whatever its size: a read of
the leases, of the row's entries and of the subtasks to try, one bulk write, and a read back where another writer was
faster somewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.subtask_manager import row as rows
from services.subtask_manager.domain import live_leases
from services.subtask_manager.row import Entry, Row
from services.subtask_manager.search import MIN_WINDOW
from services.subtask_manager.store import Claim, Decide
from services.subtask_manager.store.mongo.leases import Grant, Held, MongoLeases
from services.subtask_manager.subtask import Brief, Subtask
from shared.mongo import Documents
from shared.mongo.connection import Document, read
from shared.mongo.faults import errors_named


@dataclass(frozen=True, slots=True, kw_only=True)
class MongoRowClaim:
    """One request for a row: what was asked for, and where to look for it."""

    operator: str
    brief: Brief
    row: Row
    grant: Decide[bool]
    now: float
    subtasks: Documents[Subtask]
    leases: MongoLeases

    async def run(self, count: int) -> Claim:
        live = await self._live()
        wanted = rows.wanted(self.row, live, count)
        looked = await self._look()
        free = rows.free(looked, self.now)[: rows.TRIES]
        granted: list[Held] = []
        tried = 0
        while len(granted) < wanted and tried < len(free):
            some = free[tried : tried + max(MIN_WINDOW, wanted - len(granted))]
            passed, saved = await self._try(some, wanted - len(granted))
            tried += passed
            granted += saved
        of_row = [held for held in live if rows.is_in(self.row, *held)][:count]
        reached = rows.reached(self.row, looked, free[:tried], self.now)
        return Claim(
            held=(*of_row, *granted),
            is_cut_short=len(granted) < wanted and reached is not None,
            waiting_for_others=0,
            reached=reached,
        )

    async def _live(self) -> list[Held]:
        own = await self.leases.of(self.brief.team, self.operator, self.brief.task_id)
        held = [(stored.state, brief) for stored, brief in own]
        return [one for one in held if any(it.operator == self.operator for it in live_leases(one[0], self.now))]

    async def _look(self) -> list[Entry]:
        first, end = self.row.ranks()
        query: Document = {
            "row.task_id": {"$eq": self.brief.task_id},  # nx-27017: $eq for the index
            "row.label": {"$eq": self.row.label},
            "row.rank": {"$gte": first, "$lt": end},
        }
        order = 1 if self.row.is_rising else -1
        with errors_named():
            cursor = self.subtasks.collection.find(query, {"row": 1, "place": 1}).sort("row.rank", order)
            found = await read(cursor, rows.LOOK)
        return [
            Entry(id=one["_id"], rank=one["row"]["rank"], available_at=one.get("place", {}).get("at")) for one in found
        ]

    async def _try(self, entries: Sequence[Entry], missing: int) -> tuple[int, list[Held]]:
        """Ask the rule for these in turn, until it granted what is missing, and save that; how many were asked for."""
        ids = [entry.id for entry in entries]
        with errors_named():
            documents = await read(self.subtasks.collection.find({"_id": {"$in": ids}}))
        tried = {document["_id"]: self.subtasks.stored(document) for document in documents}
        grants: list[Grant] = []
        for passed, subtask_id in enumerate(ids):
            if len(grants) == missing:
                return passed, await self.leases.save(grants, self.grant)
            if (stored := tried.get(subtask_id)) is None:  # its task was purged meanwhile
                continue
            decision = self.grant(stored.state, self.brief, self.now)
            if decision.answer:
                grants.append(Grant(stored, decision.state, self.brief))
        return len(ids), await self.leases.save(grants, self.grant)
