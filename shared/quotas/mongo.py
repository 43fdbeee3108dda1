"""Quotas in MongoDB: a document for each team for which something was set, whose `_id` is the team's."""

from collections.abc import Sequence

from shared.clock import Clock
from shared.events import Message
from shared.mongo.connection import Document, MongoDatabase, read
from shared.mongo.faults import errors_named
from shared.mongo.indexes import build
from shared.mongo.origins import Origins
from shared.mongo.outbox import INDEXES as OUTBOX_INDEXES
from shared.mongo.outbox import DocumentOutbox
from shared.outbox import Outbox
from shared.quotas import Set


class MongoQuotas:
    """A `QuotaStore` in a service's database, for any number of replicas, and the outbox of its events. A team whose
    quotas were all taken back keeps a document without them."""

    def __init__(self, database: MongoDatabase, clock: Clock) -> None:
        self._database = database
        self._collection = database["quotas"]
        self._origins = Origins(database["origins"], clock)
        self._events = DocumentOutbox(self._collection, self._origins, clock)

    async def prepare(self) -> None:
        """Create the indexes that are missing."""
        await build(self._database, {"quotas": OUTBOX_INDEXES})

    @property
    def outbox(self) -> Outbox:
        return self

    async def of(self, team: str) -> Set:
        with errors_named():
            found = await self._collection.find_one({"_id": team})
        return {} if found is None else found.get("quotas", {})

    async def put(self, team: str, quotas: Set, told: Sequence[Message] = ()) -> None:
        values: Document = {"quotas": dict(quotas)} if quotas else {}
        values |= self._events.flag({}, told)
        values |= {f"outbox.{event_id}": entry for event_id, entry in self._events.entries(told).items()}
        update: Document = {"$inc": {"version": 1}, **({"$set": values} if values else {})}
        if not quotas:
            update["$unset"] = {"quotas": ""}
        try:
            with errors_named():
                await self._collection.update_one({"_id": team}, update, upsert=True)
        finally:
            self._events.saved(values)

    async def teams(self, *, after: str, limit: int) -> list[str]:
        query = {"_id": {"$gt": after}, "quotas": {"$exists": True}}
        with errors_named():
            return [one["_id"] for one in await read(self._collection.find(query, {"_id": 1}).sort("_id", 1), limit)]

    async def pending(self, limit: int) -> list[Message]:
        return await self._events.pending(limit)

    async def clear(self, ids: Sequence[str]) -> None:
        await self._events.clear(ids)

    async def beat(self) -> None:
        await self._origins.beat()
