"""What the task manager tells the others, from the facts that its rules state."""

from services.task_manager.domain import Fact, Image, Task
from shared import events
from shared.events import Message
from shared.flat import flattened

SOURCE = "quorate/task_manager"


def image_ready(image: Image) -> Message:
    """An image can be labeled."""
    data = events.ImageToLabel(
        task_id=image.task_id,
        image_id=image.id,
        object_key=image.object_key,
        media_type=image.media_type,
        width=image.width,
        height=image.height,
    )
    attributes = events.envelope(event_id=f"{image.id}/ready", source=SOURCE, subject=image.id, at=image.created_at)
    return events.message(events.ImageReadyV2(**attributes, data=data))


def task_changed(task: Task, facts: tuple[str, ...], now: float) -> list[Message]:
    """The events of a task's change, with ids that are the same however often it is announced."""
    return [_opened(task) if fact == Fact.OPENED else _ended(task, Fact(fact), now) for fact in facts]


def _opened(task: Task) -> Message:
    data = events.TaskOpened(task_id=task.id, owner=task.owner, at=task.created_at, **flattened(task.terms))
    attributes = events.envelope(event_id=f"{task.id}/opened", source=SOURCE, subject=task.id, at=task.created_at)
    return events.message(events.TaskOpenedV1(**attributes, data=data))


def _ended(task: Task, fact: Fact, now: float) -> Message:
    event = events.TaskCancelledV1 if fact == Fact.CANCELLED else events.TaskCompletedV1
    attributes = events.envelope(event_id=f"{task.id}/{fact}", source=SOURCE, subject=task.id, at=now)
    return events.message(event(**attributes, data=events.TaskEnded(task_id=task.id, owner=task.owner, at=now)))
