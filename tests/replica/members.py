"""The members' data: each database is kept twice, as the primary has it, and as a majority of the members has it.

A write changes the primary's. The documents that it may have changed are read afterwards and put into a log, and from
there, in order, into the majority's. While the majority lags, the log grows. A failover takes back what is still there:
each of its documents becomes what it is for the majority. Indexes, and what drops collections, concern both at once.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

from tests.replica.engine import Engine
from tests.replica.wire import Document

MAJORITY = "_majority"
"""Ends the names of the databases in which the engine keeps what a majority has."""
MANY = 100_000
WRITES = {"insert": "documents", "update": "updates", "delete": "deletes", "findAndModify": ""}
"""Commands that write documents, and where their statements stand."""


class SteppedDown(Exception):
    """The primary that did it is none any more."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What documents were after a write, by their ids; None: they are gone."""

    number: int
    database: str
    collection: str
    images: dict[Any, Document | None]


class Members:
    """`number` counts writes; those up to `committed` cannot be taken back. `term` counts primaries."""

    def __init__(self, engine: Engine) -> None:
        self.number = self.committed = 0
        self.term = 1
        self.is_lagging = False
        self.writing = asyncio.Lock()
        """Held by whoever writes: what is read of the primary under it stays as it is."""
        self._engine = engine
        self._log: deque[Entry] = deque()
        self._unlogged: tuple[str, str, list[Any]] | None = None
        self._moved = asyncio.Condition()

    async def write(self, body: Document) -> tuple[Document, int]:
        """Do it on the primary; returns the answer and its number. The caller holds `writing`."""
        await self._log_last()
        name = next(iter(body))
        ids = await self._touched(name, body)
        self._unlogged = (body["$db"], body[name], ids)
        answer = await self._engine.run(body)
        ids += [one["_id"] for one in answer.get("upserted", ())]
        if "upserted" in answer.get("lastErrorObject", ()):
            ids.append(answer["lastErrorObject"]["upserted"])
        if answer.get("n") == 0:
            self._unlogged = None
        await self._log_last()
        await self.replicate()
        return answer, self.number

    async def replicate(self) -> None:
        """Copy to the majority what it lacks, unless it lags. The caller holds `writing`."""
        await self._log_last()
        while self._log and not self.is_lagging:
            entry = self._log[0]
            await self._copy(entry)
            self._log.popleft()
            self.committed = entry.number
        await self.woken()

    async def majority(self, number: int, term: int) -> None:
        """Wait until a majority has the write. Raises SteppedDown where it may have been taken back."""
        if number > self.committed and not self.is_lagging:  # the engine was away when it was to be copied
            async with self.writing:
                await self.replicate()
        async with self._moved:
            while True:
                if self.term != term:
                    raise SteppedDown
                if number <= self.committed:
                    return
                await self._moved.wait()

    async def lacks(self, writes: int) -> None:
        """Wait until so many are not with the majority yet."""
        async with self._moved:
            await self._moved.wait_for(lambda: len(self._log) >= writes)

    async def woken(self) -> None:
        """Let everybody who waits look again."""
        async with self._moved:
            self._moved.notify_all()

    async def roll_back(self) -> int:
        """Another primary begins with what a majority has; returns how many writes were taken back."""
        async with self.writing:
            await self._log_last()
            self.term += 1
            taken_back = len(self._log)
            touched: dict[tuple[str, str], set[Any]] = {}
            for entry in self._log:
                touched.setdefault((entry.database, entry.collection), set()).update(entry.images)
            for (database, collection), ids in touched.items():
                await self._restore(database, collection, [*ids])
            self._log.clear()
            self.is_lagging = False
        await self.woken()
        return taken_back

    async def on_both(self, body: Document) -> Document:
        """What concerns no single document. The caller holds `writing`."""
        await self.replicate()
        answer = await self._engine.run(body)
        await self._engine.run({**body, "$db": body["$db"] + MAJORITY})
        if "dropDatabase" in body:
            self._log = deque(entry for entry in self._log if entry.database != body["$db"])
        if "drop" in body:
            dropped = (body["$db"], body["drop"])
            self._log = deque(entry for entry in self._log if (entry.database, entry.collection) != dropped)
        if not self._log:
            self.committed = self.number
        return answer

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

    async def _log_last(self) -> None:
        """Log the last write, also one whose answer never came: it may have been done."""
        if self._unlogged is None:
            return
        database, collection, ids = self._unlogged
        images = await self._images(database, collection, ids)
        self.number += 1
        self._log.append(Entry(self.number, database, collection, images))
        self._unlogged = None

    async def _images(self, database: str, collection: str, ids: list[Any]) -> dict[Any, Document | None]:
        query = {"find": collection, "filter": {"_id": {"$in": ids}}, "batchSize": MANY, "$db": database}
        found = {document["_id"]: document for document in await self._engine.found(query)} if ids else {}
        return {document_id: found.get(document_id) for document_id in ids}

    async def _copy(self, entry: Entry) -> None:
        at = {"ordered": False, "$db": entry.database + MAJORITY}
        there = {document_id: image for document_id, image in entry.images.items() if image is not None}
        gone = [document_id for document_id in entry.images if document_id not in there]
        if there:
            updates = [{"q": {"_id": one}, "u": image, "upsert": True} for one, image in there.items()]
            _done(await self._engine.run({"update": entry.collection, "updates": updates, **at}))
        if gone:
            await self._remove(entry.database + MAJORITY, entry.collection, gone)

    async def _restore(self, database: str, collection: str, ids: list[Any]) -> None:
        """All are removed before one is put back, for they may have exchanged what has to be unique."""
        images = await self._images(database + MAJORITY, collection, ids)
        await self._remove(database, collection, ids)
        kept = [image for image in images.values() if image is not None]
        if kept:
            _done(await self._engine.run({"insert": collection, "documents": kept, "$db": database}))

    async def _remove(self, database: str, collection: str, ids: list[Any]) -> None:
        deletes = [{"q": {"_id": {"$in": ids}}, "limit": 0}]
        _done(await self._engine.run({"delete": collection, "deletes": deletes, "$db": database}))


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
