"""The events that documents keep until they are published, found by the flag of their documents.

Each process publishes the events that it saved itself. Those of a process that has died are taken over first: who
publishes them is written into their documents, so that of all processes that look for them, one publishes each.

A server keeps the index entries of flags that were removed for a while (mongod for five minutes, `operations.md`), and
a query passes over them all: so each begins where the oldest flag can be.
"""

import asyncio
import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import IndexModel, UpdateOne

from shared.clock import Clock
from shared.events import Message
from shared.mongo.connection import Collection, Document, read
from shared.mongo.faults import errors_named
from shared.mongo.origins import Origins

ORPHANED_S = 5.0
"""Events of this age are looked at by every process: their own process may have died."""
ORPHANS_EVERY_S = 1.0
"""The least time between two such looks of a process, and half of the most."""
BEFORE_S = 60.0
"""So far back a look goes behind the last one that found nothing, for clocks differ."""
WHOLE_EVERY_S = 600.0
"""So often a look goes back to the beginning."""
TAKEN_AT_ONCE = 1_000
ROUNDING_S = 0.001  # nx-27017: $set keeps 15 digits of a number, an instant has more
OF_PROCESS = [("pending_by", 1), ("pending_at", 1)]
INDEXES = [
    IndexModel(OF_PROCESS, name="outbox_of", sparse=True),
    IndexModel([("pending_at", 1)], name="outbox", sparse=True),
]
_NO_FLAG = {"pending_at": "", "pending_by": ""}
_OF = {"_id": 0, "pending_by": 1}
_FIELDS = {"version": 1, "outbox": 1, "pending_at": 1}


class DocumentOutbox:
    """The outboxes of a collection's documents, as one."""

    def __init__(self, collection: Collection, origins: Origins, clock: Clock) -> None:
        self._collection = collection
        self._origins = origins
        self._clock = clock
        self._since = math.inf
        """No document with this process' flag has an older one."""
        self._looks_at = -math.inf
        self._looks_whole_at = -math.inf
        self._nothing_before = 0.0
        """No orphan was older, at the last look."""
        self._read: dict[str, tuple[int, set[str]]] = {}
        """Version and events of the documents that `pending` returned last."""

    def flag(self, before: Mapping[str, Any], messages: Sequence[Message]) -> Document:
        """The flag, if there are events: set again even where it was read, for it may have been removed since."""
        now = self._clock()
        at = min(before.get("pending_at", now), now)
        return {"pending_at": at, "pending_by": self._origins.mine} if messages else {}

    def entries(self, messages: Sequence[Message]) -> Document:
        """Events as a document keeps them, by their ids."""
        now = self._clock()
        return {
            message.id: {"type": message.type, "subject": message.subject, "body": message.body.decode(), "at": now}
            for message in messages
        }

    def saved(self, *documents: Mapping[str, Any]) -> None:
        """These documents, or fields of documents, were saved, or may have been."""
        self._since = min([self._since, *(one["pending_at"] for one in documents if "pending_at" in one)])

    async def pending(self, limit: int) -> list[Message]:
        """The oldest events of this process, which takes over first what a dead one left."""
        if self._clock() >= self._looks_at:
            await self._take_over()
        while True:
            flagged = await self._flagged(limit)
            empty = [document for document in flagged if not document["outbox"]]
            await self._unflag(empty)
            if not empty or len(flagged) < limit:
                self._read = {document["_id"]: (document["version"], set(document["outbox"])) for document in flagged}
                return [event for document in flagged for event in _events(document)][:limit]

    async def clear(self, ids: Sequence[str]) -> None:
        """Remove events from their outboxes. A document that has not changed since `pending` read it loses its flag;
        `pending` removes the other flags once their outboxes are empty."""
        by_document: dict[str, set[str]] = {}
        for event_id in ids:
            by_document.setdefault(document_of(event_id), set()).add(event_id)
        updates = [self._clear_and_unflag(document_id, events) for document_id, events in by_document.items()]
        if await self._write([update for update in updates if update is not None]) < len(by_document):
            await self._write(
                [UpdateOne({"_id": document_id}, {"$unset": _gone(gone)}) for document_id, gone in by_document.items()]
            )

    def _clear_and_unflag(self, document_id: str, events: set[str]) -> UpdateOne | None:
        """Both in one update, if these were all events of the document when it was read."""
        version, present = self._read.get(document_id, (0, set[str]()))
        if present != events:
            return None
        return UpdateOne({"_id": document_id, "version": version}, {"$unset": {**_gone(events), **_NO_FLAG}})

    async def _flagged(self, limit: int) -> list[Document]:
        """Documents of this process that may have events, oldest first."""
        since, self._since = self._since, math.inf  # a save from here on sets it again
        if since == math.inf:
            return []
        own = {"pending_by": {"$eq": self._origins.mine}}  # nx-27017: $eq for the index
        try:
            with errors_named():
                cursor = self._collection.find({**own, "pending_at": {"$gte": since - ROUNDING_S}}, _FIELDS)
                found = await read(cursor.sort("pending_at", 1), limit)
        except BaseException:
            self._since = min(self._since, since)
            raise
        self.saved(*found)
        return found

    async def _take_over(self) -> None:
        """Take over events that a dead process left, if there are any. Another process may be faster: what this one has
        got, `_flagged` finds."""
        now = self._clock()
        self._looks_at = now + random.uniform(ORPHANS_EVERY_S, 2 * ORPHANS_EVERY_S)  # noqa: S311 - only spreads
        if now >= self._looks_whole_at:
            self._nothing_before = 0.0
            self._looks_whole_at = now + WHOLE_EVERY_S
        old = {"pending_at": {"$gte": self._nothing_before, "$lt": now - ORPHANED_S}}
        with errors_named():
            if not await read(self._collection.find(old, {"_id": 0, "pending_at": 1}).sort("pending_at", 1), 1):
                self._nothing_before = now - ORPHANED_S - BEFORE_S
                return
            own = {**old, "pending_by": {"$eq": self._origins.mine}}  # nx-27017: $eq for the index
            # Of its own it may have overlooked what no majority had yet when it looked.
            self.saved(*await read(self._collection.find(own, {"pending_at": 1}).sort("pending_at", 1), 1))
            await self._origins.beat()  # before it has what others must not take
            orphans = await self._orphans(old["pending_at"])
        self.saved(*orphans)
        mine = {"$set": {"pending_by": self._origins.mine}}
        await self._write([UpdateOne({"_id": one["_id"], "pending_by": one["pending_by"]}, mine) for one in orphans])

    async def _orphans(self, of_age: Document) -> list[Document]:
        """Documents of this age whose process has died: from one process to the next by index, whatever they have."""
        living, last, fields = set(await self._origins.living()), "", {"pending_by": 1, "pending_at": 1}
        while others := await self._processes_after(last):
            last = others[0]["pending_by"]
            if last not in living:
                left = {"pending_by": {"$eq": last}, "pending_at": of_age}  # nx-27017: $eq for the index
                if found := await read(self._collection.find(left, fields).sort("pending_at", 1), TAKEN_AT_ONCE):
                    return found
        return []

    async def _processes_after(self, last: str) -> list[Document]:
        """The next process that has flagged documents, if there is one."""
        return await read(self._collection.find({"pending_by": {"$gt": last}}, _OF).sort("pending_by", 1), 1)

    async def _unflag(self, empty: Sequence[Document]) -> None:
        """Remove the flags of empty outboxes, unless a document was changed since it was read."""
        guards = [{"_id": document["_id"], "version": document["version"]} for document in empty]
        await self._write([UpdateOne(guard, {"$unset": _NO_FLAG}) for guard in guards])

    async def _write(self, updates: Sequence[UpdateOne]) -> int:
        """Send all updates at once; returns how many of them matched a document."""
        if not updates:
            return 0
        with errors_named():
            return (await self._collection.bulk_write(updates, ordered=False)).matched_count


class Outboxes:
    """Several collections as one outbox, of one relay."""

    def __init__(self, outboxes: Sequence[DocumentOutbox]) -> None:
        self._outboxes = outboxes
        self._read_from: dict[str, DocumentOutbox] = {}  # of the events that `pending` returned last

    async def pending(self, limit: int) -> list[Message]:
        """The oldest events of each; those of the first come first."""
        found = await asyncio.gather(*(one.pending(limit) for one in self._outboxes))
        pairs = zip(self._outboxes, found, strict=True)
        self._read_from = {message.id: one for one, messages in pairs for message in messages}
        return [message for messages in found for message in messages][:limit]

    async def clear(self, ids: Sequence[str]) -> None:
        """Remove events that `pending` returned last."""
        of = [[event_id for event_id in ids if self._read_from.get(event_id) is one] for one in self._outboxes]
        await asyncio.gather(*(one.clear(ids) for one, ids in zip(self._outboxes, of, strict=True) if ids))


def document_of(event_id: str) -> str:
    """The document of an event, whose id begins with its subject's."""
    return event_id.partition("/")[0]


def _gone(events: set[str]) -> Document:
    return {f"outbox.{event_id}": "" for event_id in events}


def _events(document: Document) -> list[Message]:
    entries = sorted(document["outbox"].items(), key=lambda entry: entry[1]["at"])
    return [
        Message(id=i, type=entry["type"], subject=entry["subject"], body=entry["body"].encode()) for i, entry in entries
    ]
