"""A client of MongoDB, or of any server that speaks its protocol, and how all stores read and insert."""

import asyncio
from collections.abc import Sequence
from typing import Any

from pymongo import AsyncMongoClient, errors
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.cursor import AsyncCursor
from pymongo.asynchronous.database import AsyncDatabase

from shared.mongo.faults import DUPLICATE_KEY, errors_named

Document = dict[str, Any]
Collection = AsyncCollection[Document]
MongoDatabase = AsyncDatabase[Document]

CONNECTIONS = 20
ANSWER_S = 10
IN_ONE_ANSWER = 10_000


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
