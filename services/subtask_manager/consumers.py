"""Which event goes to which handler of the subtask manager."""

from functools import partial

from services.subtask_manager import handlers
from services.subtask_manager.handlers import Resources
from shared.bus import Bus
from shared.errors import NotFound
from shared.events import SubtaskPrelabeledV1

PREFETCH = 64


async def _prelabel(resources: Resources, event: SubtaskPrelabeledV1) -> None:
    try:
        await handlers.take_prelabel(resources, event)
    except NotFound:
        return  # its task was cancelled meanwhile


def subscribe(resources: Resources, bus: Bus) -> None:
    """Deliver the events that the subtask manager listens to."""
    bus.consume(handlers.READY, partial(handlers.open_subtask, resources), prefetch=PREFETCH)
    bus.consume("subtask_manager.subtask.prelabeled.v1", partial(_prelabel, resources), prefetch=PREFETCH)
    bus.consume("subtask_manager.task.cancelled.v1", partial(handlers.cancel_task, resources), prefetch=1)
