"""Quotas in MongoDB: a document for each team for which something was set, whose `_id` is the team's."""

from shared.mongo.connection import Collection, read
from shared.mongo.faults import errors_named
from shared.quotas import Set


class MongoQuotas:
    """A `QuotaStore` on one collection, for any number of replicas."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def of(self, team: str) -> Set:
        with errors_named():
            found = await self._collection.find_one({"_id": team})
        return {} if found is None else found["quotas"]

    async def put(self, team: str, quotas: Set) -> None:
        with errors_named():
            if quotas:
                await self._collection.update_one({"_id": team}, {"$set": {"quotas": dict(quotas)}}, upsert=True)
            else:
                await self._collection.delete_one({"_id": team})

    async def teams(self, *, after: str, limit: int) -> list[str]:
        with errors_named():
            found = self._collection.find({"_id": {"$gt": after}}, {"_id": 1}).sort("_id", 1)
            return [one["_id"] for one in await read(found, limit)]
