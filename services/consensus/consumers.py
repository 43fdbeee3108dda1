"""Which event goes to which handler of the consensus service."""

from functools import partial

from services.consensus import handlers
from services.consensus.handlers import Resources
from shared.bus import Bus

PREFETCH = 64


AWAITED = {
    "consensus.task.opened.v1": handlers.keep_task,
    "consensus.task.changed.v1": handlers.keep_task,
    "consensus.subtask.completed.v1": handlers.keep_votes,
    "consensus.subtask.disputed.v1": handlers.keep_votes,
    "consensus.subtask.adjudicated.v1": handlers.keep_votes,
    "consensus.image.removed.v1": handlers.forget_image,
}
"""The queues of what a run is about, which waits for what was acknowledged before it was asked for."""


def subscribe(resources: Resources, bus: Bus) -> None:
    """Deliver what says which votes there are, of which tasks."""
    for queue, handle in AWAITED.items():
        bus.consume(queue, partial(handle, resources), prefetch=PREFETCH)
    for kind in ("task.cancelled.v1", "task.erased.v1"):
        bus.consume(f"consensus.{kind}", partial(handlers.forget_task, resources), prefetch=1)
    bus.consume("consensus.task.purged.v1", partial(handlers.purge_task, resources), prefetch=1)
    bus.consume("consensus.person.erased.v1", resources.eraser.hear, prefetch=1)
