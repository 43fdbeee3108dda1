"""What a receiver is told of an event. No label and no secret is in it."""

from dataclasses import dataclass

import orjson

from services.notifier.domain import EventType
from shared import events
from shared.clock import iso

HeardEvent = events.TaskCompletedV1 | events.TaskErasedV1 | events.SubtaskDisputedV1
TOLD_AS: dict[str, EventType] = {
    "task.completed.v1": "task.completed",
    "task.erased.v1": "task.erased",
    "subtask.disputed.v1": "task.disputed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event, as those who want it are told: whose it is, when it happened, and the body of the request."""

    id: str
    event: EventType
    team: str
    task: str
    at: float
    body: str


def told(event: HeardEvent) -> Told:
    """An event of the platform as receivers see it, the same bytes however often it comes."""
    kind, data = TOLD_AS[event.type], event.data
    at = event.time.timestamp()
    shown = {"task_id": data.task_id, "name": _name_of(event), "team": data.team, **_more(event)}
    body = orjson.dumps({"type": kind, "timestamp": iso(at), "data": shown}).decode()
    return Told(id=event.id, event=kind, team=data.team, task=data.task_id, at=at, body=body)


def _name_of(event: HeardEvent) -> str | None:
    return event.data.task_name if isinstance(event, events.SubtaskDisputedV1) else event.data.name


def _more(event: HeardEvent) -> dict[str, object]:
    if isinstance(event, events.SubtaskDisputedV1):
        return {"image_id": event.data.subtask_id}
    if isinstance(event, events.TaskCompletedV1):
        return {"counts": event.data.counts and event.data.counts.model_dump()}
    return {}
