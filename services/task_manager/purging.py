"""When nothing stays of a cancelled task. Pure."""

from dataclasses import replace

from services.task_manager.domain import Fact, Task
from shared.decision import Decision


def is_due(task: Task, *, before: float) -> bool:
    """Whether a task was erased, and cancelled before an instant (epoch seconds)."""
    return task.is_erased and task.cancelled_at is not None and task.cancelled_at < before


def purge(task: Task, _now: float, *, before: float) -> Decision[Task, None]:
    """Tell the others to forget a task that is due; what the task manager keeps of it goes once they were told."""
    if task.is_purged or not is_due(task, before=before):
        return Decision(state=task, answer=None)
    return Decision(state=replace(task, is_purged=True), answer=None, facts=(Fact.PURGED,))
