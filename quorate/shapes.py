"""The shapes of the API's answers. The server may add fields; it does not rename them."""

from typing import Literal, TypedDict

TaskState = Literal["open", "sealed", "completed", "cancelled"]
SubtaskState = Literal["open", "completed", "disputed"]
UploadStatus = Literal["accepted", "duplicate", "rejected", "skipped"]


class QuorumFields(TypedDict, total=False):
    """A quorum policy; what is left out takes the server's default."""

    votes_required: int
    stop: Literal["exact", "settled", "lead"]
    lead: int
    min_agreement: float
    max_votes: int


class DetectorFields(TypedDict, total=False):
    """A detector policy; what is left out takes the server's default."""

    mode: Literal["off", "suggest", "vote", "accept"]
    min_confidence: float
    accept_confidence: float
    label_map: dict[str, str]
    audit_share: float
    prelabel_wait_s: float


class Counts(TypedDict):
    images: int
    open: int
    completed: int
    disputed: int


class Task(TypedDict):
    id: str
    name: str
    labels: list[str]
    state: TaskState
    quorum: QuorumFields
    detector: DetectorFields
    allow_unsure: bool
    instructions: str | None
    counts: Counts
    created_at: str
    sealed_at: str | None
    completed_at: str | None


class UploadedImage(TypedDict):
    filename: str
    status: UploadStatus
    image_id: str | None
    sha256: str | None
    reason: str | None
    notes: list[str]


class UploadReport(TypedDict):
    images: list[UploadedImage]
    accepted: int
    duplicates: int
    rejected: int
    skipped: int


class Rectangle(TypedDict):
    height: float
    left: float
    top: float
    width: float


class DetectedObject(TypedDict):
    label: str
    accuracy: float
    rectangle: Rectangle


class Detections(TypedDict):
    id: str
    objects: list[DetectedObject]


class Prelabel(TypedDict):
    label: str
    confidence: float
    model: str
    objects: list[dict[str, object]]


class Result(TypedDict):
    """One image of a task; label, agreement and votes are null while it is open."""

    image_id: str
    filename: str
    image_url: str
    sha256: str
    width: int
    height: int
    state: SubtaskState
    label: str | None
    agreement: float | None
    votes: dict[str, int] | None
    decided_by: str | None
    revision: int
    completed_at: str | None
    prelabel: Prelabel | None


class Lease(TypedDict):
    subtask_id: str
    task_id: str
    labels: list[str]
    image_url: str
    token: str
    expires_at: str
    instructions: str | None
    prelabel: Prelabel | None


class Leases(TypedDict):
    leases: list[Lease]
    more: bool
    waiting_for_others: int


class HeldLease(TypedDict):
    subtask_id: str
    token: str


class Ballot(TypedDict):
    """A vote to be sent."""

    subtask_id: str
    label: str
    token: str


class VoteOutcome(TypedDict):
    subtask_id: str
    status: int
    detail: str | None
    subtask_state: SubtaskState | None


class RenewOutcome(TypedDict):
    subtask_id: str
    status: int
    detail: str | None
    expires_at: str | None


class Vote(TypedDict):
    voter: str
    label: str
    at: str


class SubtaskResult(TypedDict, total=False):
    label: str | None
    agreement: float | None
    votes: dict[str, int] | None
    decided_by: str | None
    revision: int


class Subtask(TypedDict):
    id: str
    task_id: str
    state: SubtaskState
    votes: list[Vote]
    live_leases: int
    result: SubtaskResult | None


class DeadLetter(TypedDict):
    id: str
    queue: str
    type: str
    subject: str | None
    reason: str
    died_at: str


class FieldError(TypedDict):
    pointer: str | None
    detail: str
