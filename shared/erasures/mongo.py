"""Erasures in MongoDB, beside what they go through."""

from shared.codec import Codec
from shared.erasures import Erasure
from shared.mongo.connection import Collection, read
from shared.mongo.faults import errors_named

ERASURES = Codec(Erasure)


class MongoErasures:
    """`Erasures` on one collection, for any number of replicas."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def keep(self, erasure: Erasure) -> None:
        with errors_named():
            fields = {"$set": ERASURES.document(erasure)}
            await self._collection.update_one({"_id": erasure.person}, fields, upsert=True)

    async def all(self) -> list[Erasure]:
        with errors_named():
            found = await read(self._collection.find({}))
        return sorted((ERASURES.read_document(one) for one in found), key=lambda one: one.begins_at)

    async def forget(self, person: str) -> None:
        with errors_named():
            await self._collection.delete_one({"_id": person})
