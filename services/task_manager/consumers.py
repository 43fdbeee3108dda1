"""Which event goes to which handler of the task manager."""

from functools import partial

from services.task_manager import handlers
from services.task_manager.handlers import Resources
from shared.bus import Bus

PREFETCH = 64
QUEUES = tuple(f"task_manager.subtask.{ended}.v1" for ended in ("completed", "disputed", "adjudicated"))
"""How images end."""


def subscribe(resources: Resources, bus: Bus) -> None:
    """Deliver the events that the task manager listens to."""
    for queue in QUEUES:
        bus.consume(queue, partial(handlers.record_result, resources), prefetch=PREFETCH)
    bus.consume("task_manager.task.applied.v1", partial(handlers.note_applied, resources), prefetch=PREFETCH)
    bus.consume("task_manager.step.finished.v1", resources.steps.note, prefetch=PREFETCH)
    bus.consume("task_manager.person.erased.v1", resources.eraser.hear, prefetch=1)
    bus.listen(resources.model.heard)
