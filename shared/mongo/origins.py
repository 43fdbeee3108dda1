"""The processes whose stores share a database. Each publishes the events that it saved itself, and says all the time
that it lives: so the others know whose events are left to them."""

import uuid

from pymongo import IndexModel, WriteConcern

from shared.clock import Clock
from shared.mongo.connection import Collection, read
from shared.mongo.faults import errors_named

SILENT_S = 5.0
"""A process of which nothing was heard for so long may have died."""
FORGOTTEN_S = 86_400.0
INDEXES = [IndexModel([("seen_at", 1)], name="living")]


class Origins:
    """All processes, in a collection of a document each, and which of them is this one (`mine`)."""

    def __init__(self, collection: Collection, clock: Clock) -> None:
        self.mine = uuid.uuid4().hex
        self._collection = collection.with_options(write_concern=WriteConcern(w=1))  # it is told anew in a second
        self._clock = clock
        self._has_tidied = False

    async def beat(self) -> None:
        """Say that this process lives."""
        now = self._clock()
        with errors_named():
            await self._collection.update_one({"_id": self.mine}, {"$set": {"seen_at": now}}, upsert=True)
            if not self._has_tidied:
                await self._collection.delete_many({"seen_at": {"$lt": now - FORGOTTEN_S}})
        self._has_tidied = True

    async def living(self) -> list[str]:
        """Those that were heard of lately, and this one."""
        heard = {"seen_at": {"$gte": self._clock() - SILENT_S}}
        with errors_named():
            found = await read(self._collection.find(heard, {"_id": 1}))
        return [self.mine, *(one["_id"] for one in found)]
