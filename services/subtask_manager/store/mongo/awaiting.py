"""Images that came before their task's brief, in MongoDB: one document each, until their subtasks are opened."""

from collections.abc import Sequence

from services.subtask_manager.subtask import Awaiting
from shared.flat import flattened, names_of
from shared.mongo.connection import Collection, insert_new, read
from shared.mongo.faults import errors_named


class MongoAwaiting:
    """The images of all tasks that wait so."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def put(self, image: Awaiting) -> None:
        await insert_new(self._collection, [{"_id": image.subtask_id, **flattened(image)}])

    async def of(self, task_id: str, limit: int, revision: int) -> list[Awaiting]:
        ready = {"task_id": {"$eq": task_id}, "revision": {"$lte": revision}}  # nx-27017: $eq for the index
        with errors_named():
            found = await read(self._collection.find(ready), limit)
        return [Awaiting(**{name: one[name] for name in names_of(Awaiting)}) for one in found]

    async def forget(self, subtask_ids: Sequence[str]) -> None:
        with errors_named():
            await self._collection.delete_many({"_id": {"$in": [*subtask_ids]}})

    async def forget_task(self, task_id: str) -> None:
        with errors_named():
            await self._collection.delete_many({"task_id": task_id})
