"""Which event goes to which handler of the worker."""

from collections.abc import Iterable
from functools import partial

from services.worker import handlers
from services.worker.handlers import Resources
from shared.bus import Bus
from shared.pipelines import OperationName

PREFETCH = 2
"""What a worker holds while it is killed is done again by another; so it holds little."""


def subscribe(resources: Resources, operations: Iterable[OperationName], bus: Bus) -> None:
    """Do the steps that begin with these operations."""
    for operation in operations:
        bus.consume(f"worker.step.opened.{operation}.v1", partial(handlers.work, resources), prefetch=PREFETCH)
    bus.consume("worker.task.cancelled.v1", partial(handlers.forget_task, resources), prefetch=1)
