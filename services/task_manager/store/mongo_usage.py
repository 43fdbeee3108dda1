"""What teams have, in MongoDB: summed over their tasks, each of which knows what it has stored.

A task counts images before they are saved, and gives back those that were not. So the sum is never too small: of
uploads that count at once, each sees the others, and none passes a quota. Where a process dies in between, a batch
stays counted too much until the task is erased.
"""

from collections.abc import Sequence

from pymongo import IndexModel

from services.task_manager.counting import Weight, weight_of
from services.task_manager.domain import Image
from services.task_manager.quotas import UNENDED, Usage
from services.task_manager.store.codec import IMAGES, TASKS
from shared.mongo.connection import Collection, Document, read
from shared.mongo.faults import errors_named

INDEX = IndexModel(
    [("team", 1), ("is_erased", 1), ("state", 1), ("stored_bytes", 1), ("stored_images", 1)], name="of_team"
)
AT_ONCE = 1_000
_COUNTED = {"_id": 0, "state": 1, "stored_bytes": 1, "stored_images": 1}


class MongoUsage:
    """Counts by tasks, in fields that no rule writes."""

    def __init__(self, tasks: Collection, images: Collection) -> None:
        self._tasks = tasks
        self._images = images

    async def count_uncounted(self) -> None:
        """Count what tasks of older releases have stored, which do not know it."""
        query = {"team": {"$eq": None}}
        with errors_named():
            while found := await read(self._tasks.find(query), AT_ONCE):
                for one in found:
                    fields = {"team": TASKS.read_document(one).team, **await self._stored(one["_id"])}
                    await self._tasks.update_one({"_id": one["_id"]}, {"$set": fields})

    async def of(self, team: str) -> Usage:
        """What a team has."""
        query = {"team": {"$eq": team}, "is_erased": {"$eq": False}}  # nx-27017: $eq for the index
        stored_bytes = images = open_tasks = 0
        with errors_named():
            async for one in self._tasks.find(query, _COUNTED).batch_size(AT_ONCE):
                stored_bytes += one.get("stored_bytes", 0)
                images += one.get("stored_images", 0)
                open_tasks += one["state"] in UNENDED
        return Usage(bytes=stored_bytes, images=images, open_tasks=open_tasks)

    async def add(self, task_id: str, images: Sequence[Image]) -> None:
        """Count images of a task."""
        await self.change(task_id, weight_of(images))

    async def give_back(self, task_id: str, images: Sequence[Image]) -> None:
        """Count images no longer."""
        await self.change(task_id, Weight({}).since(weight_of(images)))

    async def change(self, task_id: str, weight: Weight) -> None:
        """Count more or fewer images and bytes of a task."""
        fields = {"images": "stored_images", "bytes": "stored_bytes"}
        more = {fields[name]: count for name, count in weight.columns.items() if name in fields}
        if not more:
            return
        with errors_named():
            await self._tasks.update_one({"_id": task_id}, {"$inc": more})

    async def teams(self, after: str, limit: int) -> list[str]:
        """Teams by id: each is one look into the index, however many tasks it has."""
        found: list[str] = []
        with errors_named():
            while len(found) < limit:
                one = await self._tasks.find_one({"team": {"$gt": after}}, {"team": 1}, sort=[("team", 1)])
                if one is None:
                    break
                found.append(after := one["team"])
        return found

    async def _stored(self, task_id: str) -> Document:
        of_task = {"task_id": {"$eq": task_id}}  # nx-27017: $eq for the index
        images = stored_bytes = 0
        async for one in self._images.find(of_task).batch_size(AT_ONCE):
            images += 1
            stored_bytes += IMAGES.read_document(one).size_bytes
        return {"stored_images": images, "stored_bytes": stored_bytes}
