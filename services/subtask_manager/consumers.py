"""Which event goes to which handler of the subtask manager."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from services.subtask_manager import handlers, tasks
from services.subtask_manager.handlers import Resources
from shared.bus import Bus, Handler
from shared.errors import NotFound

PREFETCH = 64
TOLD = tuple(
    f"subtask_manager.{kind}"
    for kind in (
        "task.opened.v1",
        "task.changed.v1",
        "image.ready.v1",
        "image.ready.v2",
        "image.prelabeled.v1",
        "image.removed.v1",
        "task.cancelled.v1",
    )
)
"""The queues of what the task manager tells."""


def _unless_cancelled(handle: Callable[[Resources, Any], Awaitable[None]], resources: Resources) -> Handler:
    """A handler that has nothing to do where the task was cancelled meanwhile."""

    async def handler(event: Any) -> None:
        try:
            await handle(resources, event)
        except NotFound:
            return

    return handler


def subscribe(resources: Resources, bus: Bus) -> None:
    """Subscribe the subtask manager's handlers to their events."""
    for kind, handle in (
        ("task.opened.v1", tasks.keep_brief),
        ("task.changed.v1", tasks.change_task),
        ("image.ready.v1", tasks.open_subtask_with_terms),
        ("image.ready.v2", tasks.open_subtask),
        ("image.removed.v1", tasks.remove_image),
        ("image.prelabeled.v1", tasks.take_import),
        ("subtask.prelabeled.v1", handlers.take_prelabel),
        ("subtask.prelabeled.v2", handlers.take_seen),
    ):
        bus.consume(f"subtask_manager.{kind}", _unless_cancelled(handle, resources), prefetch=PREFETCH)
    bus.consume("subtask_manager.task.cancelled.v1", partial(tasks.cancel_task, resources), prefetch=1)
    bus.consume("subtask_manager.task.purged.v1", partial(tasks.forget_task, resources), prefetch=1)
    bus.consume("subtask_manager.subtasks.doubted.v1", partial(handlers.take_doubts, resources), prefetch=1)
    bus.consume("subtask_manager.person.erased.v1", resources.eraser.hear, prefetch=1)
    bus.listen(resources.model.heard)
    bus.listen(resources.on_the_way.heard)
