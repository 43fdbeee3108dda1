"""Documents in MongoDB, or in any server that speaks its protocol: each a state with the events of its changes.

A change is one guarded write of one document, so it is atomic on every such server. Only plain operations are used. A
document has its state as `body`, in the form that `schema` numbers, and beside it: what queries need; `version`, which
guards it; `outbox`, its events by their ids; and `pending_at` and `pending_by` while there may be some: since when, and
of which process.

Queries that are asked all the time are one range of one index. They say `$eq` where that index begins: a bare value
means the same, and asks for arrays that hold it as well, which not every server finds through an index.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pymongo import AsyncMongoClient, UpdateOne, errors
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from shared import crash_points
from shared.clock import Clock
from shared.codec import Codec
from shared.errors import NotFound, QuorateError, StorageFull, Unavailable
from shared.events import Message

S = TypeVar("S")
Document = dict[str, Any]
Collection = AsyncCollection[Document]
MongoDatabase = AsyncDatabase[Document]
Guarded = tuple[Document, Document]
"""A filter that holds a version, and what to write if it still holds."""

MAX_TRIES = 20
MAX_PAUSE_S = 0.1
ORPHANED_S = 5.0
"""Events so old are published by whichever process finds them: theirs may have died."""
ORPHANS_EVERY_S = 1.0
"""How often a process looks for those at the most."""
CONNECTIONS = 20
ANSWER_S = 10
DUPLICATE_KEY = 11000
_NO_FLAG = {"pending_at": "", "pending_by": ""}
_NO_ROOM = {14031}  # OutOfDiskSpace
_AWAY = {6, 7, 50, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436}
"""Codes of a server that is stopping, is not the primary any more, or took too long."""


def connect(url: str) -> AsyncMongoClient[Document]:
    """A client whose writes are acknowledged by a majority that has them on disk, and whose reads see only what a
    majority has: an answer may rest on what it read, and must not be lost with a primary. Nothing is sent yet."""
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


@contextlib.contextmanager
def errors_named() -> Generator[None]:
    """Translate what the driver raises: no room left, or not available now. Wrong commands stay as they are."""
    try:
        yield
    except errors.DuplicateKeyError:
        raise
    except errors.PyMongoError as error:
        raise translated(error) from error


def translated(error: errors.PyMongoError) -> QuorateError | errors.PyMongoError:
    """What an error of the driver means to a caller."""
    codes = _codes(error)
    if codes & _NO_ROOM:
        return StorageFull("there is no room left in the database")
    if isinstance(error, (errors.ConnectionFailure, errors.WTimeoutError, errors.ExecutionTimeout)) or codes & _AWAY:
        return Unavailable("the database does not answer now")
    if isinstance(error, errors.BulkWriteError) and error.details.get("writeConcernErrors"):
        return Unavailable("the database could not make the write safe")
    return error


def _codes(error: errors.PyMongoError) -> set[int]:
    if isinstance(error, errors.BulkWriteError):
        return {one.get("code", 0) for one in error.details.get("writeErrors", [])}
    return {error.code or 0} if isinstance(error, errors.OperationFailure) else set()


async def is_answering(database: MongoDatabase) -> bool:
    """Whether the server answers now."""
    try:
        await asyncio.wait_for(database.command("ping"), ANSWER_S / 5)
    except (errors.PyMongoError, TimeoutError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Stored(Generic[S]):
    """A state as it was read, with the document that guards its next change."""

    state: S
    document: Mapping[str, Any]


class Documents(Generic[S]):
    """A collection of states, each written by `codec`. Beside it are the fields of `keys`: `_id` and what queries need;
    one that is None is left out.

    `origin` names this process: it publishes what it saved, and what others left behind.
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
        self._read: dict[str, tuple[int, set[str]]] = {}  # the version and the events of what `pending` saw last

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
        """Save new states and their events; returns the ids of those that are there already and stay as they are."""
        documents = [self._new(state, messages) for state, messages in new]
        try:
            with errors_named():
                await self.collection.insert_many(documents, ordered=False)
        except errors.BulkWriteError as error:
            failed = error.details["writeErrors"]
            if any(one["code"] != DUPLICATE_KEY for one in failed):
                raise
            return {documents[one["index"]]["_id"] for one in failed}
        finally:
            self._may_have_pending |= any(messages for _, messages in new)
        crash_points.reached("mongo.after_insert")
        return set()

    async def change(
        self, document_id: str, what: str, rule: Callable[[S], Awaitable[tuple[S, Sequence[Message]]]]
    ) -> S:
        """Change a state by a rule, which is asked again where another change came between. Raises NotFound."""
        for tries in range(MAX_TRIES):
            before = await self.find(document_id, what)
            after, messages = await rule(before.state)
            if after is before.state or await self._save(before, after, messages):
                return after
            await asyncio.sleep(random.uniform(0, min(MAX_PAUSE_S, 0.002 * 2**tries)))  # noqa: S311 - only spreads
        raise Unavailable("too many changes of the same thing at once")

    def guarded(self, before: Stored[S], after: S, messages: Sequence[Message]) -> Guarded:
        """A change as a filter and an update; it is made only if there was none since `before` was read."""
        version = before.document["version"]
        fields = self._fields(after)
        values = {name: value for name, value in fields.items() if value is not None}
        values |= {"version": version + 1, **self._flag(before.document, messages)}
        values |= {f"outbox.{one.id}": entry for one, entry in self._entries(messages)}
        update: Document = {"$set": values}
        if absent := {name: "" for name, value in fields.items() if value is None and name in before.document}:
            update["$unset"] = absent
        return {"_id": before.document["_id"], "version": version}, update

    async def pending(self, limit: int) -> list[Message]:
        """The oldest events of this process, and those that another one left behind."""
        while True:
            read = await self._flagged(limit)
            emptied = [one for one in read if not one["outbox"]]
            await self._unflag(emptied)
            if not emptied or len(read) < limit:
                self._read = {one["_id"]: (one["version"], set(one["outbox"])) for one in read}
                return [event for one in read for event in _events(one)][:limit]

    async def clear(self, ids: Sequence[str]) -> None:
        """Forget events, and take their flags down with them where no change came since they were read.

        Other flags are taken down when they are found to flag nothing.
        """
        by_document: dict[str, set[str]] = {}
        for one in ids:
            by_document.setdefault(_document_of(one), set()).add(one)
        at_once = [one for one in map(self._clear_and_unflag, by_document.items()) if one is not None]
        if await self._write(at_once) < len(by_document):
            await self._write(
                [UpdateOne({"_id": one}, {"$unset": _gone(events)}) for one, events in by_document.items()]
            )

    def _clear_and_unflag(self, cleared: tuple[str, set[str]]) -> UpdateOne | None:
        """In one write, if these were all the events that the document had when it was read."""
        document_id, events = cleared
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
        """Documents that may have events, oldest first: this process' own, and those that another one left behind."""
        fields = {"version": 1, "outbox": 1, "pending_at": 1}
        now = self._clock()
        own: Document = {"pending_by": {"$eq": self._origin}}  # nx-27017: $eq for the index
        queries = [own] if self._may_have_pending else []
        self._may_have_pending = False  # what is saved from here on says so again
        if now - self._orphans_at >= ORPHANS_EVERY_S:
            self._orphans_at = now
            queries.append({"pending_at": {"$lt": now - ORPHANED_S}})
        try:
            with errors_named():
                cursors = [self.collection.find(query, fields).sort("pending_at", 1).limit(limit) for query in queries]
                found = await asyncio.gather(*(cursor.batch_size(limit).to_list() for cursor in cursors))
        except BaseException:
            self._may_have_pending = True
            raise
        self._may_have_pending |= any(found)
        read = {one["_id"]: one for some in found for one in some}
        return sorted(read.values(), key=lambda one: one["pending_at"])

    async def _unflag(self, read: Sequence[Document]) -> None:
        """Take down the flags of empty outboxes, unless a change came between."""
        await self._write(
            [UpdateOne({"_id": one["_id"], "version": one["version"]}, {"$unset": _NO_FLAG}) for one in read]
        )

    async def _write(self, updates: Sequence[UpdateOne]) -> int:
        """Write all; returns how many found their document."""
        if not updates:
            return 0
        with errors_named():
            return (await self.collection.bulk_write(updates, ordered=False)).matched_count

    def _new(self, state: S, messages: Sequence[Message]) -> Document:
        fields = {name: value for name, value in self._fields(state).items() if value is not None}
        outbox = {one.id: entry for one, entry in self._entries(messages)}
        return {**fields, "version": 1, "outbox": outbox, **self._flag({}, messages)}

    def _fields(self, state: S) -> Document:
        return {**self._codec.document(state), **self._keys(state)}

    def _flag(self, before: Mapping[str, Any], messages: Sequence[Message]) -> Document:
        """Always set anew where there are events: the flag that was read may have been taken down since."""
        now = self._clock()
        return {"pending_at": min(before.get("pending_at", now), now), "pending_by": self._origin} if messages else {}

    def _entries(self, messages: Sequence[Message]) -> list[tuple[Message, Document]]:
        now = self._clock()
        return [
            (one, {"type": one.type, "subject": one.subject, "body": one.body.decode(), "at": now}) for one in messages
        ]


def _document_of(event_id: str) -> str:
    """The document whose event it is: an event's id begins with that of its subject."""
    return event_id.partition("/")[0]


def _gone(events: set[str]) -> Document:
    return {f"outbox.{one}": "" for one in events}


def _events(document: Document) -> list[Message]:
    entries = sorted(document["outbox"].items(), key=lambda entry: entry[1]["at"])
    return [
        Message(id=i, type=entry["type"], subject=entry["subject"], body=entry["body"].encode()) for i, entry in entries
    ]
