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

from shared import crash_points
from shared.clock import Clock
from shared.codec import Codec
from shared.errors import NotFound, Unavailable
from shared.events import Message
from shared.mongo.connection import Collection, Document, insert_new
from shared.mongo.faults import errors_named
from shared.mongo.origins import Origins
from shared.mongo.outbox import DocumentOutbox

S = TypeVar("S")
Guarded = tuple[Document, Document]
"""A filter with a version, and the update to write while the document has that version."""

MAX_TRIES = 20
MAX_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class Stored(Generic[S]):
    """A state, and the document from which it was read."""

    state: S
    document: Mapping[str, Any]


class Documents(Generic[S]):
    """A collection of states, each written by `codec`. `keys` gives the fields beside the body: `_id` and what queries
    need; a field that is None is left out.

    `origins` knows this process, which publishes its own events, and those that a dead process left.
    """

    def __init__(
        self,
        collection: Collection,
        *,
        codec: Codec[S],
        keys: Callable[[S], Document],
        clock: Clock,
        origins: Origins,
    ) -> None:
        self.collection = collection
        self._codec = codec
        self._keys = keys
        self.outbox = DocumentOutbox(collection, origins, clock)

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
            self.outbox.saved(*documents)
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
        values |= {"version": version + 1, **self.outbox.flag(before.document, messages)}
        values |= {f"outbox.{event_id}": entry for event_id, entry in self.outbox.entries(messages).items()}
        update: Document = {"$set": values}
        if absent := {name: "" for name, value in fields.items() if value is None and name in before.document}:
            update["$unset"] = absent
        return {"_id": before.document["_id"], "version": version}, update

    async def _save(self, before: Stored[S], after: S, messages: Sequence[Message]) -> bool:
        crash_points.reached("mongo.before_save")
        guard, update = self.guarded(before, after, messages)
        try:
            with errors_named():
                result = await self.collection.update_one(guard, update)
        finally:
            self.outbox.saved(update["$set"])
        crash_points.reached("mongo.after_save")
        return result.matched_count == 1

    def _new(self, state: S, messages: Sequence[Message]) -> Document:
        fields = {name: value for name, value in self._fields(state).items() if value is not None}
        return {**fields, "version": 1, "outbox": self.outbox.entries(messages), **self.outbox.flag({}, messages)}

    def _fields(self, state: S) -> Document:
        return {**self._codec.document(state), **self._keys(state)}
