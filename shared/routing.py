"""Which services hear which events."""

from dataclasses import dataclass
from typing import ClassVar

OF_WORKERS = ("resize", "fit", "split", "tile", "crop", "rotate", "grayscale", "blur")
"""The operations that workers do; the detector does the one that needs a model."""


@dataclass(frozen=True, slots=True)
class Route:
    """The services that hear a type of event. An optional one may be absent: its queue forgets events in time."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


class Topology:
    """The whole topology of the bus: one queue for each service and type, named `<service>.<type>`."""

    ROUTES: ClassVar[dict[str, Route]] = {
        "task.opened.v1": Route(required=("subtask_manager", "consensus")),
        "image.ready.v1": Route(required=("subtask_manager",)),
        "image.ready.v2": Route(required=("subtask_manager",)),
        "image.prelabeled.v1": Route(required=("subtask_manager",)),
        **{f"step.opened.{name}.v1": Route(required=("worker",)) for name in OF_WORKERS},
        "step.opened.hide.v1": Route(required=("detector",)),
        "step.finished.v1": Route(required=("task_manager",)),
        "subtask.opened.v1": Route(optional=("detector",)),
        "subtask.opened.v2": Route(optional=("detector",)),
        "subtask.prelabeled.v1": Route(required=("subtask_manager",)),
        "subtask.prelabeled.v2": Route(required=("subtask_manager",)),
        "subtask.completed.v1": Route(required=("task_manager", "consensus")),
        "subtask.disputed.v1": Route(required=("task_manager", "notifier", "consensus")),
        "subtask.adjudicated.v1": Route(required=("task_manager", "consensus")),
        "task.changed.v1": Route(required=("subtask_manager", "consensus")),
        "subtasks.doubted.v1": Route(required=("subtask_manager",)),
        "task.applied.v1": Route(required=("task_manager",)),
        "image.removed.v1": Route(required=("subtask_manager", "consensus")),
        "task.completed.v1": Route(required=("notifier",)),
        "task.cancelled.v1": Route(required=("subtask_manager", "consensus"), optional=("detector", "worker")),
        "task.erased.v1": Route(required=("notifier", "consensus")),
        "task.purged.v1": Route(required=("subtask_manager", "consensus")),
        "person.erased.v1": Route(required=("task_manager", "subtask_manager", "consensus")),
        "person.pseudonymised.v1": Route(required=("accounts",)),
        "audit.noted.v1": Route(required=("accounts",)),
        "access.told.v1": Route(
            required=("task_manager", "subtask_manager", "notifier", "consensus"), optional=("detector", "worker")
        ),
        "key.used.v1": Route(optional=("accounts",)),
    }

    @classmethod
    def queues(cls, event_type: str) -> tuple[tuple[str, bool], ...]:
        """The queues of a type, each with whether its consumer may be absent."""
        route = cls.ROUTES[event_type]
        return tuple((f"{service}.{event_type}", False) for service in route.required) + tuple(
            (f"{service}.{event_type}", True) for service in route.optional
        )


def all_queues() -> dict[str, bool]:
    """Every queue, with whether its consumer may be absent."""
    return {queue: optional for kind in Topology.ROUTES for queue, optional in Topology.queues(kind)}
