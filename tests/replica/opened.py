"""A replica set of a test's own, and a client of it as the services have one."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pymongo import AsyncMongoClient
from pymongo.read_concern import ReadConcern

from shared.mongo.connection import Collection, MongoDatabase, connect
from tests.replica.replica_set import ReplicaSet, replica_set
from tests.servers import need


@dataclass(frozen=True)
class Opened:
    primary: ReplicaSet
    client: AsyncMongoClient
    database: MongoDatabase

    @property
    def things(self) -> Collection:
        return self.database["things"]


@asynccontextmanager
async def opened_set(level: str | None = None) -> AsyncIterator[Opened]:
    """An empty database on a set, dropped afterwards. `level`: of what its reads see; None: as `connect` has it."""
    async with replica_set(need("MongoDB")["QUORATE_MONGO_URL"]) as primary:
        client = connect(primary.url)
        concern = None if level is None else ReadConcern(level)
        name = f"test_{uuid.uuid4().hex}"
        try:
            yield Opened(primary, client, client.get_database(name, read_concern=concern))
        finally:
            await client.close()
            await primary.drop(name)
