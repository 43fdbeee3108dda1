"""A client of MongoDB, or of any server that speaks its protocol, and how all stores read and insert."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from pymongo import AsyncMongoClient, errors, monitoring
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.cursor import AsyncCursor
from pymongo.asynchronous.database import AsyncDatabase

from shared.ending import ended
from shared.errors import Unavailable
from shared.mongo.faults import DUPLICATE_KEY, errors_named
from shared.settings.mongo_url import CLIENT_OPTIONS
from shared.telemetry.calls import Observed, unobserved

log = logging.getLogger(__name__)

Document = dict[str, Any]
Collection = AsyncCollection[Document]
MongoDatabase = AsyncDatabase[Document]

CONNECTIONS = 20
ASKING = 2
PING_S = 2.0
PATIENCE_S = 30.0
"""So long a start waits until its database is prepared."""
IN_ONE_ANSWER = 10_000
COUNTED: Document = {"$group": {"_id": None, "n": {"$sum": 1}}}


class CommandTimes(monitoring.CommandListener):
    """Tells how long commands take. One that reaches no server is none: `is_ready` tells of those."""

    def __init__(self, observed: Observed) -> None:
        self._observed = observed

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Nothing is known yet."""

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        self._observed(event.command_name, event.duration_micros / 1e6, is_failed=False)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        self._observed(event.command_name, event.duration_micros / 1e6, is_failed=True)


def connect(
    url: str, connections: int = CONNECTIONS, listeners: Sequence[monitoring.CommandListener] = ()
) -> AsyncMongoClient[Document]:
    """A client that connects with its first command, over so many connections at the most."""
    return AsyncMongoClient(
        url, **CLIENT_OPTIONS, maxPoolSize=connections, appname="quorate", event_listeners=[*listeners]
    )


class Mongo:
    """A service's database. Whether the server answers is asked over connections of their own: where all others are
    busy, requests wait, but the service is ready."""

    def __init__(
        self, url: str, database: str, connections: int = CONNECTIONS, observed: Observed = unobserved
    ) -> None:
        self._client = connect(url, connections, [CommandTimes(observed)])
        self._asking = connect(url, ASKING)
        self.database: MongoDatabase = self._client[database]
        self._preparing: set[asyncio.Task[None]] = set()

    async def prepare(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Make the database ready for a service that starts, by `work`; what of it takes longer than `PATIENCE_S` goes
        on beside the service, until `close`. Raises Unavailable."""
        if not await self.is_ready():  # it connects, so that no look after the start has to
            raise Unavailable("the database does not answer now")
        task = asyncio.create_task(work(), name="prepare the database")
        self._preparing.add(task)
        task.add_done_callback(self._preparing.discard)
        done, _ = await asyncio.wait({task}, timeout=PATIENCE_S)
        if done:
            return task.result()
        log.warning("indexes are still being built: until then some requests read more than they need")
        task.add_done_callback(_log_failure)
        return None

    async def is_ready(self) -> bool:
        """Whether the server answers now."""
        try:
            await asyncio.wait_for(self._asking[self.database.name].command("ping"), PING_S)
        except (errors.PyMongoError, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        await ended(*self._preparing)
        await self._asking.close()
        await self._client.close()


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("an index was not built; the next start tries again: %s", error)


async def read(cursor: AsyncCursor[Document], limit: int = 0) -> list[Document]:
    """What a query finds, `limit` documents or all of them, in one answer: a request for a second one, `getMore`, is
    never sent again where it fails. Of what has no limit, more than `IN_ONE_ANSWER` come in several."""
    return await cursor.limit(limit).batch_size(limit or IN_ONE_ANSWER).to_list()


async def count(collection: Collection, query: Document, limit: int = 0) -> int:
    """How many documents a query finds, counted to `limit` or to the end.

    `count_documents` groups by the constant 1, for which nx-27017 reads and copies the whole collection.
    """
    pipeline: list[Document] = [{"$match": query}, *([{"$limit": limit}] if limit else []), COUNTED]
    found = await grouped(collection, pipeline)
    return found["n"] if found else 0


async def grouped(collection: Collection, pipeline: Sequence[Document]) -> Document | None:
    """What comes of a pipeline that makes one group; None where it finds nothing."""
    with errors_named():
        found = await (await collection.aggregate(pipeline)).to_list()
    return found[0] if found else None


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
