"""How a task completes."""

import logging

from services.task_manager import domain
from services.task_manager.domain import Task
from services.task_manager.store import TaskStore
from shared.decision import Decision

log = logging.getLogger(__name__)


async def complete(store: TaskStore, task_id: str) -> None:
    """Complete a task if it is sealed; its images, none of which is open any more, are counted first. Raises
    NotFound."""
    counts = await store.recount(task_id)
    completions = 0

    def rule(task: Task, now: float) -> Decision[Task, None]:
        nonlocal completions
        completions = task.completions
        return domain.complete(task, now, counts=counts)

    after = await store.update(task_id, rule)
    if after.completions > completions:
        log.info("a task completed", extra={"task_id": task_id})
