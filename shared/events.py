"""What services tell each other: frozen, versioned, in the past tense.

Within a version only optional fields are added.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.audit import AuditEntry
from shared.errors import Malformed
from shared.flat import unflattened
from shared.identity.told import KeyTold, PersonTold
from shared.results import Detection, Ended, Prelabel, Result, VoteCast
from shared.teams import FIRST_TEAM
from shared.telemetry import trace
from shared.terms import DetectorPolicy, Order, QuorumPolicy, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An event on its way: what an outbox keeps and a bus carries. `body` is the event as JSON."""

    id: str
    type: str
    subject: str
    body: bytes


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _WithTerms(_Frozen):
    labels: tuple[str, ...]
    allow_unsure: bool = False
    instructions: str | None = None
    label_names: dict[str, str] = {}
    quorum: QuorumPolicy
    detector: DetectorPolicy
    order: Order = "random"
    hide_names: bool = False

    @property
    def terms(self) -> Terms:
        """The terms, which lie flat among the other fields."""
        return unflattened(Terms, self)


class TaskOpened(_WithTerms):
    """A task was created, `at` that instant. Of its terms the highest revision wins."""

    task_id: str
    owner: str
    at: float
    revision: int = 1
    name: str | None = None
    team: str = FIRST_TEAM


class ImageReady(_WithTerms):
    """An image is stored and can be labeled, with the terms of its task. Not sent any more."""

    task_id: str
    image_id: str
    owner: str
    object_key: str
    media_type: str
    width: int
    height: int
    task_created_at: float


class ImageToLabel(_Frozen):
    """An image is stored and can be labeled by the terms of its task: those of `terms_revision` or later, which
    `task.opened` or `task.changed` told.

    place: where it stands in the task's order, 0 to 2**62 - 1; None where it has none.
    """

    task_id: str
    image_id: str
    object_key: str
    media_type: str
    width: int
    height: int
    terms_revision: int = 1
    filename: str = ""
    place: int | None = None


class SubtaskOpened(_Frozen):
    """A subtask waits for its pre-label, in the labels of its task. Not sent any more."""

    task_id: str
    subtask_id: str
    object_key: str
    labels: tuple[str, ...]
    label_map: dict[str, str]
    min_confidence: float


class SubtaskToLookAt(_Frozen):
    """A subtask waits for what a detector sees, from this confidence on."""

    task_id: str
    subtask_id: str
    object_key: str
    min_confidence: float


class SubtaskSeen(_Frozen):
    """A detector has looked: the objects are those of its model's classes. `error` says why it could not look."""

    task_id: str
    subtask_id: str
    model: str
    objects: tuple[Detection, ...] = ()
    error: str | None = None


class SubtaskPrelabeled(_Frozen):
    """A detector has looked, on the first version of `subtask.opened`. `label` is its top label among the task's, if
    any; `error` says why it could not look."""

    task_id: str
    subtask_id: str
    model: str
    label: str | None = None
    confidence: float | None = None
    objects: tuple[Detection, ...] = ()
    error: str | None = None

    @property
    def prelabel(self) -> Prelabel:
        """The proposal, which lies flat among the other fields."""
        return unflattened(Prelabel, self)


class SubtaskEnded(_Frozen):
    """A subtask's result with all its votes. The highest revision wins. `by` and `reason` are the adjudicator's."""

    task_id: str
    subtask_id: str
    revision: int
    state: Ended
    label: str | None
    agreement: float | None
    tally: tuple[tuple[str, int], ...]
    votes: tuple[VoteCast, ...]
    decided_by: str | None
    completed_at: float
    by: str | None = None
    reason: str | None = None
    prelabel: Prelabel | None = None
    earlier: tuple[Result, ...] = ()
    team: str = FIRST_TEAM
    task_name: str | None = None

    @property
    def result(self) -> Result:
        """The result, which lies flat among the other fields."""
        return unflattened(Result, self)


class Finish(_Frozen):
    """A client's order to end a task's open images with the votes they have, and why."""

    by: str
    reason: str


class TaskChanged(_WithTerms):
    """The terms of a task as they are now; the highest revision wins. `finish`: end what is open."""

    task_id: str
    owner: str
    revision: int
    at: float
    task_created_at: float
    finish: Finish | None = None
    name: str | None = None
    team: str = FIRST_TEAM


class TaskApplied(_Frozen):
    """The terms of this revision, or later ones, are in effect on all that is open, and what they ended was told."""

    task_id: str
    revision: int


class ImageRemoved(_Frozen):
    """A client removed an image, with its votes. The same bytes may come again, as an image with another object."""

    task_id: str
    image_id: str
    object_key: str
    at: float


class TaskCounts(_Frozen):
    """How many images a task has that are settled, and disputed."""

    images: int
    completed: int
    disputed: int


class TaskEnded(_Frozen):
    """A task has come to its end. counts: as it completed."""

    task_id: str
    owner: str
    at: float
    team: str = FIRST_TEAM
    name: str | None = None
    counts: TaskCounts | None = None


class PersonErased(_Frozen):
    """A person was erased, `at` that instant: in all that is kept the pseudonym stands in place of their id from now
    on. It has nothing of the person."""

    person: str
    pseudonym: str
    at: float


class PersonPseudonymised(_Frozen):
    """A service has put the pseudonym in place of the person in all that it keeps."""

    pseudonym: str
    service: str
    at: float


class AuditNoted(_Frozen):
    """Somebody did something, in any service."""

    entry: AuditEntry


class AccessTold(_Frozen):
    """Who may come, as of `at`: what has changed, or, every few minutes, all that holds. ended: ids of sessions."""

    at: float
    keys: tuple[KeyTold, ...] = ()
    people: tuple[PersonTold, ...] = ()
    ended: tuple[str, ...] = ()


class KeyUsed(_Frozen):
    """A program came with this key."""

    key: str
    at: float


class _Event(_Frozen):
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


Event = Annotated[
    TaskOpenedV1
    | ImageReadyV1
    | ImageReadyV2
    | SubtaskOpenedV1
    | SubtaskOpenedV2
    | SubtaskPrelabeledV1
    | SubtaskPrelabeledV2
    | SubtaskCompletedV1
    | SubtaskDisputedV1
    | SubtaskAdjudicatedV1
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
    | TaskErasedV1,
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
