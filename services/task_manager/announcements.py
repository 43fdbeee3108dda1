"""What the task manager tells the others, from the facts that its rules state."""

from typing import Any

from services.task_manager.domain import Fact, Image, Removal, Task
from services.task_manager.order import place_of
from services.task_manager.pipelines.rules import visit_at
from shared import events
from shared.event_data import Finish, TaskCounts
from shared.events import Message
from shared.flat import flattened
from shared.pipelines import Origin

SOURCE = "quorate/task_manager"
_ENDED = {
    Fact.COMPLETED: events.TaskCompletedV1,
    Fact.CANCELLED: events.TaskCancelledV1,
    Fact.ERASED: events.TaskErasedV1,
    Fact.PURGED: events.TaskPurgedV1,
}


def image_ready(task: Task, image: Image) -> Message:
    """An image can be labeled."""
    data = events.ImageToLabel(**_to_label(task, image))
    attributes = events.envelope(event_id=f"{image.id}/ready", source=SOURCE, subject=image.id, at=image.created_at)
    return events.message(events.ImageReadyV2(**attributes, data=data))


def image_added(task: Task, image: Image, *, is_fused: bool = False) -> list[Message]:
    """The events of a new image: it can be labeled, or waits for the next operations of its task's pipeline.
    is_fused: neighbouring ones are done in one visit to a worker."""
    if image.state == "processing":
        return [_step_opened(task, image, is_fused=is_fused)]
    return [image_ready(task, image)] if image.state == "open" else []


def image_changed(
    task: Task, image: Image, facts: tuple[str, ...], now: float, *, is_fused: bool = False
) -> list[Message]:
    """The events of an image's change, with ids that are the same however often it is announced."""
    if Fact.PRELABELED in facts:
        return [_prelabeled(task, image, now)]
    return image_added(task, image, is_fused=is_fused) if {Fact.STEP_OPENED, Fact.READY}.intersection(facts) else []


def _step_opened(task: Task, image: Image, *, is_fused: bool) -> Message:
    pipeline, stage = task.pipeline, image.stage
    if pipeline is None or stage is None:
        raise ValueError(f"image {image.id} waits for no operation")
    operations = visit_at(pipeline, stage, is_fused=is_fused)
    data = events.StepOpened(
        task_id=task.id,
        image_id=image.id,
        step=stage,
        operations=operations,
        object_key=image.work_key or image.object_key,
        width=image.width,
        height=image.height,
        origin=image.origin or Origin(image_id=image.id, width=image.width, height=image.height),
        is_last=stage + len(operations) == len(pipeline.operations),
        output=pipeline.output,
        quality=pipeline.quality,
    )
    event_id = f"{image.id}/step/{stage}"
    attributes = events.envelope(event_id=event_id, source=SOURCE, subject=image.id, at=image.created_at)
    return events.message(events.StepOpenedV1(**attributes, type=events.STEP_OPENED[operations[0].name], data=data))


def _prelabeled(task: Task, image: Image, now: float) -> Message:
    if image.imported is None:
        raise ValueError(f"nothing was imported for image {image.id}")
    data = events.ImagePrelabeled(**_to_label(task, image), imported=image.imported)
    event_id = f"{image.id}/{Fact.PRELABELED}/{image.imported.revision}"
    attributes = events.envelope(event_id=event_id, source=SOURCE, subject=image.id, at=now)
    return events.message(events.ImagePrelabeledV1(**attributes, data=data))


def _to_label(task: Task, image: Image) -> dict[str, Any]:
    return {
        "task_id": image.task_id,
        "image_id": image.id,
        "object_key": image.object_key,
        "media_type": image.media_type,
        "width": image.width,
        "height": image.height,
        "terms_revision": image.terms_revision,
        "filename": image.filename,
        "place": place_of(task, image),
    }


def task_changed(task: Task, facts: tuple[str, ...], now: float) -> list[Message]:
    """The events of a task's change, with ids that are the same however often it is announced."""
    return [_told(task, Fact(fact), now) for fact in facts]


def task_anew(task: Task) -> list[Message]:
    """What others must have heard of a task by now, with the ids that it was told with; the terms as they are."""
    if task.state == "cancelled":
        at = task.cancelled_at or task.created_at
        if task.is_purged:  # alone: heard before the others, it would leave a tombstone for ever
            return [_ended(task, Fact.PURGED, at)]
        return [_ended(task, fact, at) for fact in (Fact.CANCELLED, *([Fact.ERASED] if task.is_erased else []))]
    if not task.is_announced:
        return []
    terms = _opened(task) if task.revision == 1 else _changed(task, task.created_at)
    return [terms, *([_ended(task, Fact.COMPLETED, task.completed_at)] if task.completed_at is not None else [])]


def image_anew(task: Task, image: Image) -> list[Message]:
    """The same of an image that is open, or waits for an operation. The time of an import is not kept: it is told with
    that of the image."""
    imported = [] if image.imported is None else [_prelabeled(task, image, image.created_at)]
    return [*image_added(task, image), *imported]


def image_removed(image: Image, document_id: str, now: float) -> Message:
    """An image was removed; `document_id` is that of the document that keeps the event."""
    removal = Removal(id=document_id, task_id=image.task_id, image_id=image.id, object_key=image.object_key)
    return removed(removal, now)


def removed(removal: Removal, at: float) -> Message:
    data = events.ImageRemoved(task_id=removal.task_id, image_id=removal.image_id, object_key=removal.object_key, at=at)
    event_id = f"{removal.id}/{Fact.REMOVED}"
    attributes = events.envelope(event_id=event_id, source=SOURCE, subject=removal.image_id, at=at)
    return events.message(events.ImageRemovedV1(**attributes, data=data))


def _told(task: Task, fact: Fact, now: float) -> Message:
    if fact == Fact.OPENED:
        return _opened(task)
    return _changed(task, now) if fact == Fact.CHANGED else _ended(task, fact, now)


def _opened(task: Task) -> Message:
    data = events.TaskOpened(
        task_id=task.id,
        owner=task.owner,
        team=task.team,
        at=task.created_at,
        revision=task.revision,
        name=task.name,
        **flattened(task.terms),
    )
    attributes = events.envelope(event_id=f"{task.id}/opened", source=SOURCE, subject=task.id, at=task.created_at)
    return events.message(events.TaskOpenedV1(**attributes, data=data))


def _changed(task: Task, now: float) -> Message:
    order = task.finish
    data = events.TaskChanged(
        task_id=task.id,
        owner=task.owner,
        team=task.team,
        revision=task.revision,
        at=now,
        task_created_at=task.created_at,
        finish=order and Finish(by=order.by, reason=order.reason),
        name=task.name,
        **flattened(task.terms),
    )
    event_id = f"{task.id}/{Fact.CHANGED}/{task.revision}"
    return events.message(
        events.TaskChangedV1(**events.envelope(event_id=event_id, source=SOURCE, subject=task.id, at=now), data=data)
    )


def _ended(task: Task, fact: Fact, now: float) -> Message:
    counted = task.counted if fact == Fact.COMPLETED else None
    again = f"/{task.completions}" if fact == Fact.COMPLETED and task.completions > 1 else ""
    attributes = events.envelope(event_id=f"{task.id}/{fact}{again}", source=SOURCE, subject=task.id, at=now)
    data = events.TaskEnded(
        task_id=task.id,
        owner=task.owner,
        team=task.team,
        at=now,
        name=task.name,
        counts=counted and TaskCounts(images=counted.images, completed=counted.completed, disputed=counted.disputed),
    )
    return events.message(_ENDED[fact](**attributes, data=data))
