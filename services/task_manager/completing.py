"""How a task completes."""

from functools import partial

from services.task_manager import domain
from services.task_manager.store import TaskStore


async def complete(store: TaskStore, task_id: str) -> None:
    """Complete a task if it is sealed; its images, none of which is open any more, are counted first. Raises
    NotFound."""
    counts = await store.recount(task_id)
    await store.update(task_id, partial(domain.complete, counts=counts))
