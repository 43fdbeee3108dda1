"""The shapes of the API, field by field as `docs/api/openapi.json` has them: a test compares the two.

The server may add fields; it does not rename them.
"""

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict

TaskState = Literal["open", "sealed", "completed", "cancelled"]
SubtaskState = Literal["open", "completed", "disputed"]
ShownState = Literal["open", "completed", "disputed", "processing", "failed"]
ImageState = Literal["open", "completed", "disputed", "processing", "failed", "derived"]
OperationName = Literal["resize", "fit", "split", "tile", "crop", "rotate", "grayscale", "blur", "hide"]
Order = Literal["random", "upload", "name", "uncertain", "confident"]
ResultOrder = Literal["id", "upload", "name"]
DecidedBy = Literal["quorum", "settled", "lead", "detector", "adjudicator", "client", "pipeline"]
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
    processing: int
    failed: int


class PipelineFields(TypedDict):
    """What is done to each image before people label it; each operation is a list of its name and its argument."""

    operations: Sequence[Sequence[Any]]
    output: NotRequired[Literal["jpg", "png"]]
    quality: NotRequired[int]


class Pipeline(TypedDict):
    operations: list[list[Any]]
    output: Literal["jpg", "png"]
    quality: int


class Origin(TypedDict):
    """The uploaded image that a derived one was made of; `affine` leads from a point of the derived one to it."""

    image_id: str
    width: int
    height: int
    path: list[list[int]]
    affine: list[float]


class Task(TypedDict):
    id: str
    name: str
    owner: str
    labels: list[str]
    state: TaskState
    quorum: QuorumFields
    detector: DetectorFields
    allow_unsure: bool
    instructions: str | None
    label_names: dict[str, str]
    order: Order
    hide_names: bool
    operators: list[str] | None
    pipeline: Pipeline | None
    counts: Counts
    created_at: str
    sealed_at: str | None
    completed_at: str | None
    cancelled_at: str | None


class User(TypedDict):
    id: str
    name: str
    roles: list[Literal["client", "operator", "adjudicator", "admin"]]


class Limits(TypedDict):
    max_image_bytes: int
    max_pixels: int
    max_side: int
    max_zip_entries: int
    max_zip_bytes: int
    max_labels: int


class Me(TypedDict):
    user: User
    auth: Literal["off", "on"]
    team: str
    lease_s: float
    limits: Limits
    features: list[Literal["boxes", "pipeline"]]
    exports: list[Literal["jsonl", "csv", "imagefolder", "parquet", "labelstudio", "coco", "yolo"]]
    detector: bool
    disputes_open: int
    version: str


class RecentVote(TypedDict):
    subtask_id: str
    task_id: str
    label: str | None
    at: str
    can_undo: bool
    thumbnail_url: str


class Activity(TypedDict):
    today: int
    votes_per_minute: float
    recent: list[RecentVote]


class Work(TypedDict):
    task_id: str
    name: str | None
    labels: int
    open_for_me: bool
    waiting_for_others: int
    has_suggestions: bool


class KnownImage(TypedDict):
    sha256: str
    image_id: str


class UploadedImage(TypedDict):
    filename: str
    status: UploadStatus
    image_id: str | None
    sha256: str | None
    reason: str | None
    quota: str | None
    notes: list[str]


RowStatus = Literal[
    "applied",
    "unchanged",
    "duplicate",
    "ended",
    "unknown_image",
    "ambiguous_name",
    "unknown_label",
    "malformed",
    "skipped",
]


class RowReport(TypedDict):
    """What became of one row of a file of labels; `label` is what its image has now as a suggestion."""

    row: int
    name: str
    status: RowStatus
    image_id: str | None
    label: str | None
    reason: str | None
    notes: list[str]


class ImportReport(TypedDict):
    """How many rows had each status, and `rows` in all. `model`: by what name the file's suggestions are known."""

    summary: dict[str, int]
    format: str
    model: str


class UploadReport(TypedDict):
    images: list[UploadedImage]
    accepted: int
    duplicates: int
    rejected: int
    skipped: int


class Rectangle(TypedDict):
    height: int
    left: int
    top: int
    width: int


class DetectedObject(TypedDict):
    label: str
    accuracy: float
    rectangle: Rectangle


class Detections(TypedDict):
    """What the detector sees; `id` is that of the request."""

    id: str | float | None
    objects: list[DetectedObject]


class Detection(TypedDict):
    label: str
    confidence: float
    rectangle: Rectangle


class Prelabel(TypedDict):
    """What the detector says of an image; label and confidence are null where it found none of the task's labels."""

    label: str | None
    confidence: float | None
    model: str
    objects: list[Detection]


class TaskChange(TypedDict, total=False):
    """What is to be changed of a task. Votes and results keep a label whatever it is shown as."""

    name: str | None
    instructions: str | None
    votes_required: int | None
    add_labels: list[str]
    label_names: dict[str, str]


class InvitedChange(TypedDict, total=False):
    """Who may label a task. `only_invited`: true begins with nobody, false lets every operator of the team."""

    only_invited: bool | None
    invite: list[str]
    uninvite: list[str]


class EarlierResult(TypedDict):
    """A result that a later one replaced: who decided what before."""

    label: str | None
    agreement: float | None
    decided_by: str | None
    revision: int
    completed_at: str
    by: str | None
    reason: str | None


class Result(TypedDict):
    """One image of a task; what voting decides is null while it is open.

    `by` and `reason` are of the person who decided, or who finished the image.
    """

    image_id: str
    filename: str
    image_url: str | None
    thumbnail_url: str | None
    screen_url: str | None
    sha256: str
    stored_sha256: str
    width: int
    height: int
    state: ImageState
    origin: Origin | None
    failure: str | None
    label: str | None
    agreement: float | None
    votes: dict[str, int] | None
    decided_by: DecidedBy | None
    revision: int | None
    completed_at: str | None
    by: str | None
    reason: str | None
    prelabel: Prelabel | None
    imported: Prelabel | None
    earlier: list[EarlierResult]
    derived: NotRequired["list[Result] | None"]


class Lease(TypedDict):
    subtask_id: str
    task_id: str
    labels: list[str]
    label_names: dict[str, str]
    image_url: str
    thumbnail_url: str
    screen_url: str | None
    token: str
    expires_at: str
    instructions: str | None
    allow_unsure: bool
    prelabel: Prelabel | None
    filename: str | None
    width: int | None
    height: int | None


class Leases(TypedDict):
    leases: list[Lease]
    more: bool
    waiting_for_others: int
    opening: int
    next_cursor: str | None


class HeldLease(TypedDict):
    subtask_id: str
    token: str


class Ballot(TypedDict):
    """A vote to be sent; `took_ms` is how long the image was looked at."""

    subtask_id: str
    label: str
    token: str
    mode: NotRequired[Literal["single", "grid"]]
    took_ms: NotRequired[int]


class VoteOutcome(TypedDict):
    subtask_id: str
    status: int
    code: str
    detail: str
    subtask_state: SubtaskState | None


class RenewOutcome(TypedDict):
    subtask_id: str
    status: int
    code: str
    detail: str
    expires_at: str | None


class Vote(TypedDict):
    voter: str
    label: str | None
    at: str
    mode: str
    took_ms: int | None


class SubtaskResult(TypedDict):
    label: str | None
    agreement: float | None
    votes: dict[str, int]
    decided_by: str | None
    revision: int
    completed_at: str
    by: str | None
    reason: str | None


class Doubt(TypedDict):
    label: str
    method: str
    run_id: str
    by: str
    at: str


class Subtask(TypedDict):
    id: str
    task_id: str
    state: SubtaskState
    labels: list[str]
    label_names: dict[str, str]
    image_url: str
    thumbnail_url: str
    screen_url: str | None
    votes: list[Vote]
    live_leases: int
    allow_unsure: bool
    prelabel: Prelabel | None
    filename: str | None
    width: int | None
    height: int | None
    result: SubtaskResult | None
    earlier: list[EarlierResult]
    doubt: NotRequired[Doubt | None]


class DeadLetter(TypedDict):
    id: str
    queue: str
    type: str
    subject: str
    reason: str
    died_at: str


class FieldError(TypedDict):
    pointer: str
    detail: str
