"""Quotas in MongoDB: a document for each team for which something was set, whose `_id` is the team's."""

import uuid
from collections.abc import Sequence

from shared.clock import Clock
from shared.events import Message
from shared.mongo import OUTBOX_INDEXES, Collection, Eventful, errors_named
from shared.outbox import Outbox
from shared.quotas import Set


class MongoQuotas:
    """A `QuotaStore` on one collection, for any number of replicas. A team whose quotas were all taken back keeps a
    document without them."""

    def __init__(self, collection: Collection, clock: Clock) -> None:
        self._documents = Eventful(collection, clock=clock, origin=uuid.uuid4().hex)

    async def prepare(self) -> None:
        """Create the indexes that are missing."""
        with errors_named():
            await self._documents.collection.create_indexes(OUTBOX_INDEXES)

    @property
    def outbox(self) -> Outbox:
        return self._documents

    async def of(self, team: str) -> Set:
        with errors_named():
            found = await self._documents.collection.find_one({"_id": team})
        return {} if found is None else found.get("quotas", {})

    async def put(self, team: str, quotas: Set, told: Sequence[Message] = ()) -> None:
        await self._documents.put(team, {"quotas": dict(quotas) or None}, told)

    async def teams(self, *, after: str, limit: int) -> list[str]:
        query = {"_id": {"$gt": after}, "quotas": {"$exists": True}}
        with errors_named():
            found = self._documents.collection.find(query, {"_id": 1}).sort("_id", 1).limit(limit)
            return [one["_id"] for one in await found.batch_size(limit).to_list()]
