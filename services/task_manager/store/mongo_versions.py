"""What the versions of a task's images come to, added up page by page: however many images there are, no command takes
longer than it may."""

from shared.mongo.connection import Collection, Document, grouped

PAGE = 50_000


async def versions(images: Collection, task_id: str) -> str:
    """How many images a task has, and their versions together.

    Versions only grow, and where an image goes there is one less. So two of these are the same only where nothing has
    changed from the end of the first to the beginning of the second, though each is no view of one instant.
    """
    number, total, after = 0, 0, ""
    while page := await _page(images, task_id, after):
        number, total, after = number + page["images"], total + page["versions"], page["last"]
    return f"{number}-{total}" if number else "0"


async def _page(images: Collection, task_id: str, after: str) -> Document | None:
    told: Document = {"images": {"$sum": 1}, "versions": {"$sum": "$version"}, "last": {"$max": "$id"}}
    steps: list[Document] = [
        {"$match": {"task_id": {"$eq": task_id}, "id": {"$gt": after}}},  # nx-27017: $eq for the index
        {"$sort": {"id": 1}},
        {"$limit": PAGE},
        {"$group": {"_id": None} | told},
    ]
    return await grouped(images, steps)
