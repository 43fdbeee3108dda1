"""Imports in MongoDB: a document each, changed by guarded writes; pages beside them, written whole.

The field `id` of a page is `_id` once more, for indexes that end in it: not every server has those on `_id`. An import
that is over has no `due_at` and no `under_way`.
"""

from collections.abc import Sequence

from bson import Binary
from pymongo import IndexModel

from services.task_manager.imports.rules import Import
from services.task_manager.imports.store import ChangeImport, PageKey
from services.task_manager.imports.store.codec import IMPORTS, REMOVED_AT_ONCE, asked, page_id, part_of
from shared.clock import Clock
from shared.errors import NotFound
from shared.events import Message
from shared.mongo import Documents
from shared.mongo.connection import Document, MongoDatabase, read
from shared.mongo.faults import errors_named
from shared.mongo.origins import Origins

INDEXES = {  # which the store of tasks builds with its own
    "imports": [
        IndexModel([("task_id", 1), ("asked", 1)], name="of_task"),
        IndexModel([("under_way", 1)], name="under_way", sparse=True),
        IndexModel([("due_at", 1)], name="due", sparse=True),
    ],
    "import_pages": [
        IndexModel([("id", 1)], name="by_id"),
        IndexModel([("task_id", 1)], name="of_task"),
    ],
}


class MongoImports:
    """An `ImportStore` in the database of the task manager, for as many processes as like."""

    def __init__(self, database: MongoDatabase, clock: Clock) -> None:
        self._clock = clock
        origins = Origins(database["origins"], clock)
        self._imports = Documents(database["imports"], codec=IMPORTS, keys=_keys, clock=clock, origins=origins)
        self._pages = database["import_pages"]

    async def add(self, new: Import) -> bool:
        return not await self._imports.insert([(new, ())])

    async def find(self, import_id: str) -> Import:
        return (await self._imports.find(import_id, "import")).state

    async def change(self, import_id: str, change: ChangeImport) -> Import:
        async def rule(one: Import) -> tuple[Import, Sequence[Message]]:
            return change(one, self._clock()), ()

        return await self._imports.change(import_id, "import", rule)

    async def of_task(self, task_id: str, limit: int) -> list[Import]:
        return await self._found({"task_id": {"$eq": task_id}}, "asked", -1, limit)

    async def is_under_way(self, task_id: str) -> bool:
        with errors_named():
            found = await self._imports.collection.find_one({"under_way": {"$eq": task_id}}, {"_id": 1})
        return found is not None

    async def due(self, *, now: float, limit: int) -> list[Import]:
        return await self._found({"due_at": {"$lte": now}}, "due_at", 1, limit)

    async def put_page(self, key: PageKey, task_id: str, body: bytes) -> None:
        name = page_id(key)
        fields: Document = {"id": name, "task_id": task_id, "body": Binary(body)}
        with errors_named():
            await self._pages.update_one({"_id": name}, {"$set": fields}, upsert=True)
        try:
            await self.find(key.import_id)
        except NotFound:  # `remove_of` looked for pages before this one, or does so now
            with errors_named():
                await self._pages.delete_one({"_id": name})
            raise

    async def pages(self, import_id: str, round_: int, *, first: int, limit: int) -> Sequence[tuple[int, bytes]]:
        begin = page_id(PageKey(import_id=import_id, round=round_, part=first))
        end = page_id(PageKey(import_id=import_id, round=round_ + 1, part=0))
        with errors_named():
            found = await read(self._pages.find({"id": {"$gte": begin, "$lt": end}}).sort("id", 1), limit)
        return [(part_of(one["id"]), bytes(one["body"])) for one in found]

    async def remove_pages(self, import_id: str, *, before_round: int) -> None:
        end = page_id(PageKey(import_id=import_id, round=before_round, part=0))
        await self._remove_pages({"id": {"$gte": f"{import_id}/", "$lt": end}})

    async def remove_of(self, task_id: str) -> None:
        """The imports first: who adds a page after that finds its import gone, and takes the page away again."""
        with errors_named():
            await self._imports.collection.delete_many({"task_id": {"$eq": task_id}})
        await self._remove_pages({"task_id": {"$eq": task_id}})

    async def _remove_pages(self, query: Document) -> None:
        while True:
            with errors_named():
                found = await read(self._pages.find(query, {"_id": 1}), REMOVED_AT_ONCE)
                if found:
                    await self._pages.delete_many({"_id": {"$in": [one["_id"] for one in found]}})
            if len(found) < REMOVED_AT_ONCE:
                return

    async def _found(self, query: Document, order: str, direction: int, limit: int) -> list[Import]:
        with errors_named():
            found = await read(self._imports.collection.find(query).sort(order, direction), limit)
        return [IMPORTS.read_document(one) for one in found]


def _keys(one: Import) -> Document:
    return {
        "_id": one.id,
        "task_id": one.task_id,
        "asked": asked(one),
        "due_at": one.due_at,
        "under_way": None if one.due_at is None else one.task_id,
    }
