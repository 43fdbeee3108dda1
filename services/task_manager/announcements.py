"""What the task manager tells the others, from the facts that its rules state."""

from services.task_manager.domain import Fact, Image, Task
from services.task_manager.order import place_of
from shared import events
from shared.events import Message
from shared.flat import flattened

SOURCE = "quorate/task_manager"


def image_ready(task: Task, image: Image) -> Message:
    """An image can be labeled; the task's terms go with it."""
    data = events.ImageReady(
        task_id=task.id,
        image_id=image.id,
        owner=task.owner,
        object_key=image.object_key,
        media_type=image.media_type,
        width=image.width,
        height=image.height,
        filename=image.filename,
        place=place_of(task, image),
        task_created_at=task.created_at,
        **flattened(task.terms),
    )
    attributes = events.envelope(event_id=f"{image.id}/ready", source=SOURCE, subject=image.id, at=image.created_at)
    return events.message(events.ImageReadyV1(**attributes, data=data))


def task_changed(task: Task, facts: tuple[str, ...], now: float) -> list[Message]:
    """The events of a task's change, with ids that are the same however often it is announced."""
    return [_ended(task, Fact(fact), now) for fact in facts]


def _ended(task: Task, fact: Fact, now: float) -> Message:
    event = events.TaskCancelledV1 if fact == Fact.CANCELLED else events.TaskCompletedV1
    attributes = events.envelope(event_id=f"{task.id}/{fact}", source=SOURCE, subject=task.id, at=now)
    return events.message(event(**attributes, data=events.TaskEnded(task_id=task.id, owner=task.owner, at=now)))
