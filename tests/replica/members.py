"""The members' data: what the primary has, and while the majority lags, what that has.

As long as no majority lags, its state is the primary's, and one database holds both. When it begins to lag, a second
database becomes a copy of the first; from then on writes change the primary's alone, and the documents that they may
change are noted. A failover makes them what they are in the copy. Indexes, and what drops collections, concern both.

Only what was written through the set is known to it.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.replica.engine import Engine
from tests.replica.wire import Document

MAJORITY = "_majority"
"""Ends the names of the databases in which the engine keeps what a majority has."""
MANY = 100_000
AT_ONCE = 500
WRITES = {"insert": "documents", "update": "updates", "delete": "deletes", "findAndModify": ""}
"""Commands that write documents, and where their statements stand."""
Place = tuple[str, str]
"""A database and a collection."""


class SteppedDown(Exception):
    """The primary that did it is none any more."""


@dataclass(frozen=True, slots=True)
class Done:
    """A write that is not done again: the number that its session gave it, its answer, and its place among all."""

    number: int
    answer: Document
    place: int


class Members:
    """`number` counts writes; those up to `committed` cannot be taken back. `term` counts primaries."""

    def __init__(self, engine: Engine) -> None:
        self.number = self.committed = 0
        self.term = 1
        self.is_lagging = False
        self.turns = 0
        """Counts beginnings and ends of lags."""
        self.writing = asyncio.Lock()
        """Held by whoever writes: what is read of the primary under it stays as it is."""
        self.done: dict[bytes, Done] = {}
        """The last numbered write of each session."""
        self._engine = engine
        self._outdated: dict[Place, set[Any]] = {}  # documents of the copy that are not as the majority has them
        self._late: dict[Place, set[Any]] = {}  # documents that the majority may have in another state
        self._moved = asyncio.Condition()

    async def write(self, body: Document) -> tuple[Document, int]:
        """Do it on the primary; returns the answer and its number. The caller holds `writing`."""
        name = next(iter(body))
        place = (body["$db"], body[name])
        noted = self._late if self.is_lagging else self._outdated
        noted.setdefault(place, set()).update(await self._touched(name, body))  # before: its answer may never come
        answer = await self._engine.run(body)
        noted[place].update(_upserted(answer))
        if answer.get("n") != 0:
            self.number += 1
        if not self.is_lagging:
            self.committed = self.number
        await self._woken()
        return answer, self.number

    async def lag(self) -> None:
        """From now on the majority gets no writes."""
        async with self.writing:
            for (database, collection), ids in self._outdated.items():
                await self._copy(database, database + MAJORITY, collection, ids)
            self._outdated.clear()
            self.is_lagging = True
            self.turns += 1

    async def catch_up(self) -> None:
        """The majority gets all that it lacks."""
        async with self.writing:
            for place, ids in self._late.items():
                self._outdated.setdefault(place, set()).update(ids)
            self._end_lag()
        await self._woken()

    async def roll_back(self) -> int:
        """Another primary begins with what a majority has; returns how many writes were taken back."""
        async with self.writing:
            self.term += 1
            taken_back = self.number - self.committed
            for (database, collection), ids in self._late.items():
                await self._copy(database + MAJORITY, database, collection, ids)
            self.number = self.committed
            self.done = {session: done for session, done in self.done.items() if done.place <= self.committed}
            self._end_lag()
        await self._woken()
        return taken_back

    async def majority(self, number: int, term: int) -> None:
        """Wait until a majority has the write. Raises SteppedDown where it may have been taken back."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.term != term or number <= self.committed)
        if self.term != term:
            raise SteppedDown

    async def lacks(self, writes: int) -> None:
        """Wait until the majority lacks so many."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.number - self.committed >= writes)

    async def on_both(self, body: Document) -> Document:
        """What concerns no single document. The caller holds `writing`."""
        answer = await self._engine.run(body)
        await self._engine.run({**body, "$db": body["$db"] + MAJORITY})
        for noted in (self._late, self._outdated):
            for database, collection in list(noted):
                if database == body["$db"] and ("dropDatabase" in body or body.get("drop") == collection):
                    del noted[database, collection]
        return answer

    def _end_lag(self) -> None:
        self._late.clear()
        self.is_lagging = False
        self.turns += 1
        self.committed = self.number

    async def _woken(self) -> None:
        """Let everybody who waits look again."""
        async with self._moved:
            self._moved.notify_all()

    async def _touched(self, name: str, body: Document) -> list[Any]:
        """The ids of all documents that a write may change, and of some that it does not."""
        if name == "insert":
            return [document["_id"] for document in body["documents"]]
        filters = [body["query"]] if name == "findAndModify" else [one["q"] for one in body[WRITES[name]]]
        ids: list[Any] = []
        for where in filters:
            if (known := _named(where)) is None:
                query = {"find": body[name], "filter": where, "projection": {"_id": 1}, "batchSize": MANY}
                known = [one["_id"] for one in await self._engine.found({**query, "$db": body["$db"]})]
            ids += known
        return ids

    async def _copy(self, source: str, target: str, collection: str, ids: Iterable[Any]) -> None:
        """Make documents what they are elsewhere. All are removed before one is put back, for they may have exchanged
        what has to be unique."""
        several = list(ids)
        parts = [several[at : at + AT_ONCE] for at in range(0, len(several), AT_ONCE)]
        for part in parts:
            deletes = [{"q": {"_id": {"$in": part}}, "limit": 0}]
            _done(await self._engine.run({"delete": collection, "deletes": deletes, "$db": target}))
        for part in parts:
            query = {"find": collection, "filter": {"_id": {"$in": part}}, "batchSize": MANY, "$db": source}
            if documents := await self._engine.found(query):
                _done(await self._engine.run({"insert": collection, "documents": documents, "$db": target}))


def _upserted(answer: Document) -> list[Any]:
    """The ids that a write gave to documents which it made."""
    ids = [one["_id"] for one in answer.get("upserted", ())]
    return [*ids, *(one for one in [answer.get("lastErrorObject", {}).get("upserted")] if one is not None)]


def _named(where: Document) -> list[Any] | None:
    """The ids that a filter names, or None."""
    match where.get("_id"):
        case None:
            return None
        case {"$in": ids}:
            return [*ids]
        case {"$eq": document_id}:
            return [document_id]
        case dict():
            return None
        case document_id:
            return [document_id]


def _done(answer: Document) -> None:
    assert answer["ok"] == 1, answer
    assert not answer.get("writeErrors"), answer
