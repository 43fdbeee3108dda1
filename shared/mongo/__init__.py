"""Documents in MongoDB, or in any server that speaks its protocol: each a state with the events of its changes.

A change is one guarded write of one document, so it is atomic on every such server. Only plain operations are used.

    body                    the state
    schema                  the number of the body's schema
    version                 guards the document: a change is written only if the version is the one that was read
    outbox                  events not yet published, by their ids
    pending_at, pending_by  the flag of a document that may have such events: since when, and of which process
    other fields            what queries need

A frequent query reads one range of one index. Its first condition says `$eq`: a bare value means the same, but also
matches arrays that hold the value, which not every server finds through an index.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pymongo import AsyncMongoClient, IndexModel, UpdateOne, errors
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.cursor import AsyncCursor
from pymongo.asynchronous.database import AsyncDatabase

from shared import crash_points
from shared.clock import Clock
from shared.codec import Codec
from shared.errors import NotFound, Unavailable
from shared.events import Message
from shared.mongo.faults import DUPLICATE_KEY, errors_named

S = TypeVar("S")
Document = dict[str, Any]
Collection = AsyncCollection[Document]
MongoDatabase = AsyncDatabase[Document]
Guarded = tuple[Document, Document]
"""A filter with a version, and the update to write while the document has that version."""

MAX_TRIES = 20
MAX_PAUSE_S = 0.1
ORPHANED_S = 5.0
"""Events of this age are published by any process that finds them: their own process may have died."""
ORPHANS_EVERY_S = 1.0
"""The least time between two searches of a process for such events."""
CONNECTIONS = 20
ANSWER_S = 10
IN_ONE_ANSWER = 10_000
OUTBOX_INDEXES = [
    IndexModel([("pending_by", 1), ("pending_at", 1)], name="outbox_of", sparse=True),
    IndexModel([("pending_at", 1)], name="outbox", sparse=True),
]
"""What every collection of `Documents` has beside its own."""
_NO_FLAG = {"pending_at": "", "pending_by": ""}


def connect(url: str) -> AsyncMongoClient[Document]:
    """A client that connects with its first command.

    A majority acknowledges each write from its disk, and reads see only what a majority has: an answer may rest on what
    was read, and must not be lost with a primary.
    """
    return AsyncMongoClient(
        url,
        w="majority",
        journal=True,
        readConcernLevel="majority",
        readPreference="primary",
        maxPoolSize=CONNECTIONS,
        serverSelectionTimeoutMS=ANSWER_S * 500,
        connectTimeoutMS=ANSWER_S * 500,
        socketTimeoutMS=ANSWER_S * 1000,
        waitQueueTimeoutMS=ANSWER_S * 1000,
        appname="quorate",
    )


async def is_answering(database: MongoDatabase) -> bool:
    """Whether the server answers now."""
    try:
        await asyncio.wait_for(database.command("ping"), ANSWER_S / 5)
    except (errors.PyMongoError, TimeoutError):
        return False
    return True


async def read(cursor: AsyncCursor[Document], limit: int = 0) -> list[Document]:
    """What a query finds, `limit` documents or all of them, in one answer: a request for a second one, `getMore`, is
    never sent again where it fails. Of what has no limit, more than `IN_ONE_ANSWER` come in several."""
    return await cursor.limit(limit).batch_size(limit or IN_ONE_ANSWER).to_list()


async def insert_new(collection: Collection, documents: Sequence[Document]) -> set[int]:
    """Insert documents; returns the indexes of those that exist already, and stay as they are.

    It asks for a bulk write, even of one document: only its answer tells both that a document exists and that it is not
    certain whether a majority has it, and the second is Unavailable.
    """
    try:
        with errors_named():
            await collection.insert_many(documents, ordered=False)
    except errors.BulkWriteError as error:
        failed = error.details["writeErrors"]
        if any(failure["code"] != DUPLICATE_KEY for failure in failed):
            raise
        return {failure["index"] for failure in failed}
    return set()


@dataclass(frozen=True, slots=True)
class Stored(Generic[S]):
    """A state, and the document from which it was read."""

    state: S
    document: Mapping[str, Any]


class Documents(Generic[S]):
    """A collection of states, each written by `codec`. `keys` gives the fields beside the body: `_id` and what queries
    need; a field that is None is left out.

    `origin` names this process, which publishes its own events, and those that a dead process left.
    """

    def __init__(
        self,
        collection: Collection,
        *,
        codec: Codec[S],
        keys: Callable[[S], Document],
        clock: Clock,
        origin: str,
    ) -> None:
        self.collection = collection
        self._codec = codec
        self._keys = keys
        self._clock = clock
        self._origin = origin
        self._may_have_pending = False
        self._orphans_at = -ORPHANS_EVERY_S
        self._read: dict[
            str, tuple[int, set[str]]
        ] = {}  # version and events of the documents that `pending` returned last

    async def find(self, document_id: str, what: str) -> Stored[S]:
        """A state. Raises NotFound, saying that there is no such `what`."""
        with errors_named():
            document = await self.collection.find_one({"_id": document_id})
        if document is None:
            raise NotFound(f"no such {what}")
        return self.stored(document)

    def stored(self, document: Document) -> Stored[S]:
        """A document that a query found, as a state."""
        return Stored(self._codec.read_document(document), document)

    async def insert(self, new: Sequence[tuple[S, Sequence[Message]]]) -> set[str]:
        """Save new states and their events; returns the ids that exist already, whose documents stay as they are."""
        documents = [self._new(state, messages) for state, messages in new]
        try:
            known = await insert_new(self.collection, documents)
        finally:
            self._may_have_pending |= any(messages for _, messages in new)
        crash_points.reached("mongo.after_insert")
        return {documents[index]["_id"] for index in known}

    async def change(
        self, document_id: str, what: str, rule: Callable[[S], Awaitable[tuple[S, Sequence[Message]]]]
    ) -> S:
        """Change a state by a rule. After a concurrent change, the rule is asked again. Raises NotFound."""
        for tries in range(MAX_TRIES):
            before = await self.find(document_id, what)
            after, messages = await rule(before.state)
            if after is before.state or await self._save(before, after, messages):
                return after
            await asyncio.sleep(random.uniform(0, min(MAX_PAUSE_S, 0.002 * 2**tries)))  # noqa: S311 - only spreads
        raise Unavailable("too many changes of the same thing at once")

    def guarded(self, before: Stored[S], after: S, messages: Sequence[Message]) -> Guarded:
        """A change as a filter and an update, which match only while the document is as `before` was read."""
        version = before.document["version"]
        fields = self._fields(after)
        values = {name: value for name, value in fields.items() if value is not None}
        values |= {"version": version + 1, **self._flag(before.document, messages)}
        values |= {f"outbox.{message.id}": entry for message, entry in self._entries(messages)}
        update: Document = {"$set": values}
        if absent := {name: "" for name, value in fields.items() if value is None and name in before.document}:
            update["$unset"] = absent
        return {"_id": before.document["_id"], "version": version}, update

    async def pending(self, limit: int) -> list[Message]:
        """The oldest events of this process, and those that a dead process left."""
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
            by_document.setdefault(_document_of(event_id), set()).add(event_id)
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

    async def _save(self, before: Stored[S], after: S, messages: Sequence[Message]) -> bool:
        crash_points.reached("mongo.before_save")
        try:
            with errors_named():
                result = await self.collection.update_one(*self.guarded(before, after, messages))
        finally:
            self._may_have_pending |= bool(messages)
        crash_points.reached("mongo.after_save")
        return result.matched_count == 1

    async def _flagged(self, limit: int) -> list[Document]:
        """Documents that may have events, oldest first: those of this process, and those that a dead process left."""
        fields = {"version": 1, "outbox": 1, "pending_at": 1}
        now = self._clock()
        own: Document = {"pending_by": {"$eq": self._origin}}  # nx-27017: $eq for the index
        queries = [own] if self._may_have_pending else []
        self._may_have_pending = False  # a save from here on sets it again
        if now - self._orphans_at >= ORPHANS_EVERY_S:
            self._orphans_at = now
            queries.append({"pending_at": {"$lt": now - ORPHANED_S}})
        try:
            with errors_named():
                cursors = [self.collection.find(query, fields).sort("pending_at", 1) for query in queries]
                found = await asyncio.gather(*(read(cursor, limit) for cursor in cursors))
        except BaseException:
            self._may_have_pending = True
            raise
        self._may_have_pending |= any(found)
        flagged = {document["_id"]: document for documents in found for document in documents}
        return sorted(flagged.values(), key=lambda document: document["pending_at"])

    async def _unflag(self, empty: Sequence[Document]) -> None:
        """Remove the flags of empty outboxes, unless a document was changed since it was read."""
        guards = [{"_id": document["_id"], "version": document["version"]} for document in empty]
        await self._write([UpdateOne(guard, {"$unset": _NO_FLAG}) for guard in guards])

    async def _write(self, updates: Sequence[UpdateOne]) -> int:
        """Send all updates at once; returns how many of them matched a document."""
        if not updates:
            return 0
        with errors_named():
            return (await self.collection.bulk_write(updates, ordered=False)).matched_count

    def _new(self, state: S, messages: Sequence[Message]) -> Document:
        fields = {name: value for name, value in self._fields(state).items() if value is not None}
        outbox = {message.id: entry for message, entry in self._entries(messages)}
        return {**fields, "version": 1, "outbox": outbox, **self._flag({}, messages)}

    def _fields(self, state: S) -> Document:
        return {**self._codec.document(state), **self._keys(state)}

    def _flag(self, before: Mapping[str, Any], messages: Sequence[Message]) -> Document:
        """The flag, if there are events: set again even where it was read, for it may have been removed since."""
        now = self._clock()
        return {"pending_at": min(before.get("pending_at", now), now), "pending_by": self._origin} if messages else {}

    def _entries(self, messages: Sequence[Message]) -> list[tuple[Message, Document]]:
        now = self._clock()
        return [
            (message, {"type": message.type, "subject": message.subject, "body": message.body.decode(), "at": now})
            for message in messages
        ]


class Outboxes:
    """Several collections as one outbox, of one relay."""

    def __init__(self, documents: Sequence[Documents[Any]]) -> None:
        self._documents = documents
        self._read_from: dict[str, Documents[Any]] = {}  # of the events that `pending` returned last

    async def pending(self, limit: int) -> list[Message]:
        """The oldest events of each; those of the first come first."""
        found = await asyncio.gather(*(one.pending(limit) for one in self._documents))
        pairs = zip(self._documents, found, strict=True)
        self._read_from = {message.id: one for one, messages in pairs for message in messages}
        return [message for messages in found for message in messages][:limit]

    async def clear(self, ids: Sequence[str]) -> None:
        """Remove events that `pending` returned last."""
        of = [[event_id for event_id in ids if self._read_from.get(event_id) is one] for one in self._documents]
        await asyncio.gather(*(one.clear(ids) for one, ids in zip(self._documents, of, strict=True) if ids))


def _document_of(event_id: str) -> str:
    """The document of an event, whose id begins with its subject's."""
    return event_id.partition("/")[0]


def _gone(events: set[str]) -> Document:
    return {f"outbox.{event_id}": "" for event_id in events}


def _events(document: Document) -> list[Message]:
    entries = sorted(document["outbox"].items(), key=lambda entry: entry[1]["at"])
    return [
        Message(id=i, type=entry["type"], subject=entry["subject"], body=entry["body"].encode()) for i, entry in entries
    ]
