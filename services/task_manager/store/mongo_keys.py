"""What MongoDB keeps of tasks and images beside their bodies: the fields that queries need."""

from services.task_manager import listing as listings
from services.task_manager.domain import Image, Task, counted_votes
from services.task_manager.order import key_of
from services.task_manager.store import TASK_KEYS
from shared.mongo.connection import Document
from shared.teams import key_in


def removal_id(image: Image) -> str:
    """One for each object of an image: the same bytes may be removed, come again, and be removed again."""
    return f"{image.id}-{image.object_key.rpartition('-')[2].partition('.')[0]}"


def task_keys(task: Task) -> Document:
    """What queries need of a task."""
    return {
        "_id": task.id,
        "id": task.id,  # nx-27017: no index may hold _id and another field
        "created_at": task.created_at,
        "state": task.state,
        "is_erased": task.is_erased,
        "team": task.team,
        "has_pipeline": None if task.pipeline is None else True,
        **listing_keys(task),
    }


def listing_keys(task: Task) -> Document:
    """What lists need of a task."""
    keys = {field: key_in(task.team, listings.key_of(task, order)) for order, field in TASK_KEYS.items()}
    return {"owner": task.owner, **keys}


def image_keys(image: Image) -> Document:
    """What queries need of an image."""
    return {
        "_id": image.id,
        "id": image.id,  # nx-27017: no index may hold _id and another field
        "task_id": image.task_id,
        "state": image.state,
        "label": image.result.label if image.result else None,
        "ended_at": image.result.completed_at if image.result else None,
        "counted_votes": counted_votes(image) if image.result else None,
        "object_key": image.object_key,
        "work_key": image.work_key,
        **order_keys(image),
    }


def order_keys(image: Image) -> Document:
    """An image's places in the orders."""
    return {
        "upload_key": key_of(image, "upload"),
        "name_key": key_of(image, "name"),
        "agreement_key": key_of(image, "uncertain"),
    }


def removed_keys(image: Image) -> Document:
    """What queries need of an image that was removed."""
    return {"_id": removal_id(image), "task_id": image.task_id, "undone": True}
