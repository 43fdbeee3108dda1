"""What services tell each other: frozen, versioned, in the past tense.

Within a version only optional fields are added.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.errors import Malformed
from shared.flat import unflattened
from shared.results import DecidedBy, Detection, Ended, Prelabel, Result, VoteCast
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


class ImageReady(_Frozen):
    """An image is stored and can be labeled. The task's terms come along: the first of them opens the task there.

    place: where it stands in the task's order, 0 to 2**62 - 1; None where it has none.
    """

    task_id: str
    image_id: str
    owner: str
    object_key: str
    media_type: str
    width: int
    height: int
    labels: tuple[str, ...]
    allow_unsure: bool = False
    instructions: str | None = None
    task_created_at: float
    quorum: QuorumPolicy
    detector: DetectorPolicy
    order: Order = "random"
    hide_names: bool = False
    filename: str = ""
    place: int | None = None

    @property
    def terms(self) -> Terms:
        """The terms, which lie flat among the other fields."""
        return unflattened(Terms, self)


class SubtaskOpened(_Frozen):
    """A subtask waits for its pre-label."""

    task_id: str
    subtask_id: str
    object_key: str
    labels: tuple[str, ...]
    label_map: dict[str, str]
    min_confidence: float


class SubtaskPrelabeled(_Frozen):
    """A detector has looked. `label` is its top label among the task's, if any; `error` says why it could not look."""

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
    decided_by: DecidedBy | None
    completed_at: float
    by: str | None = None
    reason: str | None = None
    prelabel: Prelabel | None = None

    @property
    def result(self) -> Result:
        """The result, which lies flat among the other fields."""
        return unflattened(Result, self)


class TaskEnded(_Frozen):
    """A task has come to its end."""

    task_id: str
    owner: str
    at: float


class _Event(_Frozen):
    """An event with the attribute names of CloudEvents 1.0 and the W3C trace context."""

    id: str
    source: str
    time: datetime
    subject: str
    traceparent: str | None = None


class ImageReadyV1(_Event):
    type: Literal["image.ready.v1"] = "image.ready.v1"
    data: ImageReady


class SubtaskOpenedV1(_Event):
    type: Literal["subtask.opened.v1"] = "subtask.opened.v1"
    data: SubtaskOpened


class SubtaskPrelabeledV1(_Event):
    type: Literal["subtask.prelabeled.v1"] = "subtask.prelabeled.v1"
    data: SubtaskPrelabeled


class SubtaskCompletedV1(_Event):
    type: Literal["subtask.completed.v1"] = "subtask.completed.v1"
    data: SubtaskEnded


class SubtaskDisputedV1(_Event):
    type: Literal["subtask.disputed.v1"] = "subtask.disputed.v1"
    data: SubtaskEnded


class SubtaskAdjudicatedV1(_Event):
    type: Literal["subtask.adjudicated.v1"] = "subtask.adjudicated.v1"
    data: SubtaskEnded


class TaskCompletedV1(_Event):
    type: Literal["task.completed.v1"] = "task.completed.v1"
    data: TaskEnded


class TaskCancelledV1(_Event):
    type: Literal["task.cancelled.v1"] = "task.cancelled.v1"
    data: TaskEnded


Event = Annotated[
    ImageReadyV1
    | SubtaskOpenedV1
    | SubtaskPrelabeledV1
    | SubtaskCompletedV1
    | SubtaskDisputedV1
    | SubtaskAdjudicatedV1
    | TaskCompletedV1
    | TaskCancelledV1,
    Field(discriminator="type"),
]

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


@dataclass(frozen=True, slots=True)
class Route:
    """Who hears of a type of event: those it must reach, and those that may be absent (their queue forgets in time)."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


class Topology:
    """The whole topology of the bus: one queue for each service and type, named `<service>.<type>`."""

    ROUTES: ClassVar[dict[str, Route]] = {
        "image.ready.v1": Route(required=("subtask_manager",)),
        "subtask.opened.v1": Route(optional=("detector",)),
        "subtask.prelabeled.v1": Route(required=("subtask_manager",)),
        "subtask.completed.v1": Route(required=("task_manager",)),
        "subtask.disputed.v1": Route(required=("task_manager",)),
        "subtask.adjudicated.v1": Route(required=("task_manager",)),
        "task.completed.v1": Route(),
        "task.cancelled.v1": Route(required=("subtask_manager",), optional=("detector",)),
    }

    @classmethod
    def queues(cls, event_type: str) -> tuple[tuple[str, bool], ...]:
        """The queues of a type, each with whether it may be absent."""
        route = cls.ROUTES[event_type]
        return tuple((f"{service}.{event_type}", False) for service in route.required) + tuple(
            (f"{service}.{event_type}", True) for service in route.optional
        )


def envelope(*, event_id: str, source: str, subject: str, at: float) -> dict[str, Any]:
    """The attributes that every event carries, for `SomeEventV1(**envelope(...), data=...)`."""
    return {
        "id": event_id,
        "source": source,
        "subject": subject,
        "time": datetime.fromtimestamp(at, UTC),
        "traceparent": trace.current(),
    }


def message(event: Event) -> Message:
    """An event ready to be kept in an outbox or put on a bus."""
    return Message(id=event.id, type=event.type, subject=event.subject, body=event.model_dump_json().encode())


def parse(body: bytes) -> Event:
    """The event that a message carries. Raises Malformed where it is none that we know."""
    try:
        return _EVENT.validate_json(body)
    except ValidationError as error:
        raise Malformed(f"not an event: {error.error_count()} fields are wrong") from error
