"""What services tell each other: frozen, versioned, in the past tense.

Within a version only optional fields are added.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from shared.audit import AuditEntry
from shared.errors import Malformed
from shared.event_data import (
    AccessTold,
    AuditNoted,
    Frozen,
    ImagePrelabeled,
    ImageReady,
    ImageRemoved,
    ImageToLabel,
    KeyUsed,
    PersonErased,
    PersonPseudonymised,
    StepFinished,
    StepOpened,
    SubtaskEnded,
    SubtaskOpened,
    SubtaskPrelabeled,
    SubtasksDoubted,
    SubtaskSeen,
    SubtaskToLookAt,
    TaskApplied,
    TaskChanged,
    TaskEnded,
    TaskOpened,
)
from shared.pipelines import OperationName
from shared.telemetry import trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An event on its way: what an outbox keeps and a bus carries. `body` is the event as JSON."""

    id: str
    type: str
    subject: str
    body: bytes


class _Event(Frozen):
    """An event with the attribute names of CloudEvents 1.0 and the W3C trace context."""

    id: str
    source: str
    time: datetime
    subject: str
    traceparent: str | None = None


class TaskOpenedV1(_Event):
    type: Literal["task.opened.v1"] = "task.opened.v1"
    data: TaskOpened


class ImageReadyV1(_Event):
    type: Literal["image.ready.v1"] = "image.ready.v1"
    data: ImageReady


class ImageReadyV2(_Event):
    type: Literal["image.ready.v2"] = "image.ready.v2"
    data: ImageToLabel


class ImagePrelabeledV1(_Event):
    type: Literal["image.prelabeled.v1"] = "image.prelabeled.v1"
    data: ImagePrelabeled


StepOpenedType = Literal[
    "step.opened.resize.v1",
    "step.opened.fit.v1",
    "step.opened.split.v1",
    "step.opened.tile.v1",
    "step.opened.crop.v1",
    "step.opened.rotate.v1",
    "step.opened.grayscale.v1",
    "step.opened.blur.v1",
    "step.opened.hide.v1",
]
"""One for each operation, so that each has a queue of its own and scales by itself."""
STEP_OPENED: Mapping[OperationName, StepOpenedType] = {
    "resize": "step.opened.resize.v1",
    "fit": "step.opened.fit.v1",
    "split": "step.opened.split.v1",
    "tile": "step.opened.tile.v1",
    "crop": "step.opened.crop.v1",
    "rotate": "step.opened.rotate.v1",
    "grayscale": "step.opened.grayscale.v1",
    "blur": "step.opened.blur.v1",
    "hide": "step.opened.hide.v1",
}
"""By the first operation of a visit."""


class StepOpenedV1(_Event):
    type: StepOpenedType
    data: StepOpened


class StepFinishedV1(_Event):
    type: Literal["step.finished.v1"] = "step.finished.v1"
    data: StepFinished


class SubtaskOpenedV1(_Event):
    type: Literal["subtask.opened.v1"] = "subtask.opened.v1"
    data: SubtaskOpened


class SubtaskOpenedV2(_Event):
    type: Literal["subtask.opened.v2"] = "subtask.opened.v2"
    data: SubtaskToLookAt


class SubtaskPrelabeledV1(_Event):
    type: Literal["subtask.prelabeled.v1"] = "subtask.prelabeled.v1"
    data: SubtaskPrelabeled


class SubtaskPrelabeledV2(_Event):
    type: Literal["subtask.prelabeled.v2"] = "subtask.prelabeled.v2"
    data: SubtaskSeen


class SubtaskCompletedV1(_Event):
    type: Literal["subtask.completed.v1"] = "subtask.completed.v1"
    data: SubtaskEnded


class SubtaskDisputedV1(_Event):
    type: Literal["subtask.disputed.v1"] = "subtask.disputed.v1"
    data: SubtaskEnded


class SubtaskAdjudicatedV1(_Event):
    type: Literal["subtask.adjudicated.v1"] = "subtask.adjudicated.v1"
    data: SubtaskEnded


class SubtasksDoubtedV1(_Event):
    type: Literal["subtasks.doubted.v1"] = "subtasks.doubted.v1"
    data: SubtasksDoubted


class TaskChangedV1(_Event):
    type: Literal["task.changed.v1"] = "task.changed.v1"
    data: TaskChanged


class TaskAppliedV1(_Event):
    type: Literal["task.applied.v1"] = "task.applied.v1"
    data: TaskApplied


class ImageRemovedV1(_Event):
    type: Literal["image.removed.v1"] = "image.removed.v1"
    data: ImageRemoved


class TaskCompletedV1(_Event):
    type: Literal["task.completed.v1"] = "task.completed.v1"
    data: TaskEnded


class TaskCancelledV1(_Event):
    type: Literal["task.cancelled.v1"] = "task.cancelled.v1"
    data: TaskEnded


class PersonErasedV1(_Event):
    type: Literal["person.erased.v1"] = "person.erased.v1"
    data: PersonErased


class PersonPseudonymisedV1(_Event):
    type: Literal["person.pseudonymised.v1"] = "person.pseudonymised.v1"
    data: PersonPseudonymised


class AuditNotedV1(_Event):
    type: Literal["audit.noted.v1"] = "audit.noted.v1"
    data: AuditNoted


class AccessToldV1(_Event):
    type: Literal["access.told.v1"] = "access.told.v1"
    data: AccessTold


class KeyUsedV1(_Event):
    type: Literal["key.used.v1"] = "key.used.v1"
    data: KeyUsed


class TaskErasedV1(_Event):
    type: Literal["task.erased.v1"] = "task.erased.v1"
    data: TaskEnded


class TaskPurgedV1(_Event):
    type: Literal["task.purged.v1"] = "task.purged.v1"
    data: TaskEnded


Event = Annotated[
    TaskOpenedV1
    | ImageReadyV1
    | ImageReadyV2
    | ImagePrelabeledV1
    | StepOpenedV1
    | StepFinishedV1
    | SubtaskOpenedV1
    | SubtaskOpenedV2
    | SubtaskPrelabeledV1
    | SubtaskPrelabeledV2
    | SubtaskCompletedV1
    | SubtaskDisputedV1
    | SubtaskAdjudicatedV1
    | SubtasksDoubtedV1
    | TaskChangedV1
    | TaskAppliedV1
    | ImageRemovedV1
    | TaskCompletedV1
    | TaskCancelledV1
    | PersonErasedV1
    | PersonPseudonymisedV1
    | AuditNotedV1
    | AccessToldV1
    | KeyUsedV1
    | TaskErasedV1
    | TaskPurgedV1,
    Field(discriminator="type"),
]

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def envelope(*, event_id: str, source: str, subject: str, at: float) -> dict[str, Any]:
    """The attributes of every event, for `SomeEventV1(**envelope(...), data=...)`."""
    return {
        "id": event_id,
        "source": source,
        "subject": subject,
        "time": datetime.fromtimestamp(at, UTC),
        "traceparent": trace.current(),
    }


def notes(document_id: str, source: str, entries: Iterable[AuditEntry]) -> list[Message]:
    """Entries of the audit on their way from the outbox of the document that was changed."""
    return [_note(f"{document_id}/{entry.id}", source, entry) for entry in entries]


def _note(event_id: str, source: str, entry: AuditEntry) -> Message:
    attributes = envelope(event_id=event_id, source=source, subject=entry.object, at=entry.at)
    return message(AuditNotedV1(**attributes, data=AuditNoted(entry=entry)))


def message(event: Event) -> Message:
    """An event as a message for an outbox or a bus."""
    return Message(id=event.id, type=event.type, subject=event.subject, body=event.model_dump_json().encode())


def parse(body: bytes) -> Event:
    """The event that a message carries. Raises Malformed if this version knows no such event."""
    try:
        return _EVENT.validate_json(body)
    except ValidationError as error:
        raise Malformed(f"not an event: {error.error_count()} fields are wrong") from error
