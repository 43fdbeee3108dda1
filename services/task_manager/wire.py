"""Requests and answers of the task manager's API."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, JsonValue

from services.task_manager.domain import MAX_VOTES, Change, ImageState
from services.task_manager.label_imports.rows import Status
from services.task_manager.labels import MAX_INSTRUCTIONS_LENGTH, MAX_NAME_LENGTH
from services.task_manager.operators import MAX_OPERATORS, Invited, check_operators
from services.task_manager.pipelines.wire import OriginShown, PipelineRequest, PipelineShown
from shared.flat import names_of
from shared.http.answers import EarlierResult
from shared.http.requests import Reason, Wire
from shared.labels import MAX_LABELS
from shared.quotas import MAX_QUOTA
from shared.results import DecidedBy, Detection
from shared.terms import DetectorMode, DetectorPolicy, Order, QuorumPolicy, Stop, Terms

_HIDDEN = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
NAME = rf"^[^{_HIDDEN}]*[^\s{_HIDDEN}][^{_HIDDEN}]*$"
"""Something other than blanks, and no control character."""
Share = Annotated[float, Field(ge=0, le=1)]
Votes = Annotated[int, Field(ge=1, le=MAX_VOTES)]
VotesOrNone = Annotated[int, Field(ge=0, le=MAX_VOTES)]
LATER = ("label_names", "order", "hide_names", "operators", "pipeline")
"""Fields of a task that came after the first release."""


_LABELS: dict[str, JsonValue] = {
    "maxItems": MAX_LABELS,
    "uniqueItems": True,
    "items": {"type": "string", "minLength": 1, "maxLength": MAX_NAME_LENGTH},
}
"""What of the rules of labels a schema can say; the rules are the domain's."""
LabelNames = Annotated[dict[str, Annotated[str, Field(max_length=MAX_NAME_LENGTH)]], Field(max_length=MAX_LABELS)]


_Operators = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=MAX_OPERATORS)]
"""Operators by their ids."""


class QuorumRequest(Wire):
    """When votes settle an image; `max_votes` is `votes_required` + 2 unless it is given. With a pipeline
    `votes_required` may be 0: then nobody is asked, and there need be no labels."""

    votes_required: VotesOrNone = 3
    stop: Stop = "settled"
    lead: Votes = 3
    min_agreement: Share = 0
    max_votes: Annotated[int, Field(ge=0, le=2 * MAX_VOTES)] | None = None

    def policy(self) -> QuorumPolicy:
        return QuorumPolicy(
            votes_required=self.votes_required,
            stop=self.stop,
            lead=self.lead,
            min_agreement=float(self.min_agreement),
            max_votes=self.votes_required + 2 if self.max_votes is None else self.max_votes,
        )


class DetectorRequest(Wire):
    """What the detector may do."""

    mode: DetectorMode = "suggest"
    min_confidence: Share = 0.25
    accept_confidence: Share = 0.9
    label_map: Annotated[dict[str, str], Field(max_length=MAX_LABELS)] = Field(default_factory=dict[str, str])
    audit_share: Share = 0.05
    prelabel_wait_s: Annotated[float, Field(ge=0, le=3_600)] = 30.0

    def policy(self) -> DetectorPolicy:
        return DetectorPolicy(**self.model_dump())


class TaskRequest(Wire):
    """A new task."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH, pattern=NAME)]
    labels: Annotated[list[str], Field(json_schema_extra=_LABELS)]
    instructions: Annotated[str, Field(max_length=MAX_INSTRUCTIONS_LENGTH)] | None = None
    allow_unsure: bool = False
    label_names: LabelNames = Field(default_factory=dict[str, str])
    quorum: QuorumRequest = QuorumRequest()
    detector: DetectorRequest = DetectorRequest()
    order: Order = "random"
    hide_names: bool = False
    operators: _Operators | None = None
    pipeline: PipelineRequest | None = None

    def terms(self) -> Terms:
        """What the task is to be like: all fields but its name."""
        given: dict[str, Any] = {name: getattr(self, name) for name in names_of(Terms)}
        given |= {"labels": tuple(self.labels), "quorum": self.quorum.policy(), "detector": self.detector.policy()}
        given["operators"] = check_operators(self.operators)
        return Terms(**given)

    def identity(self) -> bytes:
        """What tells a repeated request from another. What the first release did not know counts where it is given."""
        fields = type(self).model_fields
        default = {n for n in LATER if getattr(self, n) == fields[n].get_default(call_default_factory=True)}
        return self.model_dump_json(exclude=default).encode()


class TaskChange(Wire):
    """What is to be changed of a task; what is not named stays as it is."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH, pattern=NAME)] | None = None
    instructions: (
        Annotated[str, Field(max_length=MAX_INSTRUCTIONS_LENGTH, description="an empty text takes them away")] | None
    ) = None
    votes_required: Votes | None = None
    add_labels: Annotated[list[str], Field(max_length=MAX_LABELS)] = Field(default_factory=list[str])
    label_names: LabelNames = Field(
        default_factory=dict[str, str],
        description="how labels are shown, by label; an empty name shows the label as it is. Votes keep their label",
    )

    def change(self) -> Change:
        return Change(
            name=self.name,
            instructions=self.instructions,
            votes_required=self.votes_required,
            add_labels=tuple(self.add_labels),
            label_names=self.label_names,
        )


class InvitedChange(Wire):
    """Who may label a task. `only_invited`: true begins with nobody, false lets every operator of the team."""

    only_invited: bool | None = None
    invite: _Operators = Field(default_factory=list[str])
    uninvite: _Operators = Field(default_factory=list[str])

    def invited(self) -> Invited:
        return Invited(only=self.only_invited, invite=tuple(self.invite), uninvite=tuple(self.uninvite))


class FinishOrder(Wire):
    """End what is open with the votes there are, and why."""

    reason: Reason


class ImageRequest(Wire):
    """One picture as plain base64; `id` is what the client calls it."""

    id: Annotated[str, Field(max_length=1_000)] | int
    image: Annotated[str, Field(json_schema_extra={"minLength": 4, "contentEncoding": "base64"})]


Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class KnownRequest(Wire):
    """Hashes of files as they would be uploaded, in hexadecimal."""

    sha256: Annotated[list[Sha256], Field(min_length=1, max_length=1_000)]


class DirectFile(Wire):
    """A file to be stored with a form of its own."""

    filename: Annotated[str, Field(max_length=1_000)]


DirectFiles = Annotated[list[DirectFile], Field(min_length=1, max_length=1_000)]


class DirectRequest(Wire):
    """The files of a direct upload."""

    files: DirectFiles


class CommitRequest(Wire):
    """The files that were announced, in the same order; without them, those that were announced."""

    files: DirectFiles | None = None


class CountsShown(BaseModel):
    """Images by state; `images` in all, without those in whose place others stand."""

    images: int
    open: int
    completed: int
    disputed: int
    processing: int
    failed: int


class TaskShown(BaseModel):
    id: str
    name: str
    owner: str
    labels: list[str]
    instructions: str | None
    allow_unsure: bool
    label_names: dict[str, str]
    state: Literal["open", "sealed", "completed", "cancelled"]
    quorum: QuorumPolicy
    detector: DetectorPolicy
    order: Order
    hide_names: bool
    operators: list[str] | None
    pipeline: PipelineShown | None
    counts: CountsShown
    created_at: str
    sealed_at: str | None
    completed_at: str | None
    cancelled_at: str | None


class Tasks(BaseModel):
    items: list[TaskShown]
    next_cursor: str | None


class FileReport(BaseModel):
    """What became of one file. `reason`: why it was not taken. `quota`: which of the team's is used up, if that is it.
    `notes`: what of it was changed on the way in."""

    filename: str
    status: Literal["accepted", "duplicate", "rejected", "skipped"]
    image_id: str | None
    sha256: str | None
    reason: str | None
    quota: str | None
    notes: list[str]


class RowReport(BaseModel):
    """What became of one row of a file of labels: a line of the report.

    row: its line, record or place in the file, from 1 on. name: what the file calls its image. label: what the image
    has now as a suggestion. reason: why the row was not applied. notes: what of it was left out or changed.
    """

    row: int
    name: str
    status: Status
    image_id: str | None
    label: str | None
    reason: str | None
    notes: list[str]


class ImportReport(BaseModel):
    """The last line of the report on a file of labels: how many rows had each status, and `rows` in all. model: by what
    name its suggestions are known."""

    summary: dict[str, int]
    format: str
    model: str


class KnownImage(BaseModel):
    sha256: str
    image_id: str


class KnownImages(BaseModel):
    """Those of the files asked for that the task has."""

    known: list[KnownImage]


class UploadReport(BaseModel):
    """What became of every file. `skipped`: folders in archives, and what Windows and macOS put beside files."""

    images: list[FileReport]
    accepted: int
    duplicates: int
    rejected: int
    skipped: int


class DirectForm(BaseModel):
    """Where a file goes: POST `fields`, and then the file as the field `file`, to `url` as multipart/form-data."""

    filename: str
    url: str
    fields: dict[str, str]


class DirectUpload(BaseModel):
    """A direct upload that has begun; its forms can be sent until `expires_at`."""

    upload_id: str
    expires_at: str
    files: list[DirectForm]


class PrelabelShown(BaseModel):
    model: str
    label: str | None
    confidence: float | None
    objects: list[Detection]


class ImageResult(BaseModel):
    """An image with its result; votes, label and agreement are null while it is open. `thumbnail_url`: 320 pixels;
    `screen_url`: 1,600, null where the image has less than 4 megapixels. `prelabel`: the detector's; `imported`: what a
    file of labels said. `origin`: what a derived image was made of, null for an uploaded one; it has no URLs before the
    last operation was done. `failure`: why the pipeline could not work on it."""

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
    origin: OriginShown | None
    failure: str | None
    label: str | None
    agreement: float | None
    votes: dict[str, int] | None
    decided_by: DecidedBy | None
    revision: int | None
    completed_at: str | None
    by: str | None
    reason: str | None
    prelabel: PrelabelShown | None
    imported: PrelabelShown | None
    earlier: list[EarlierResult]
    derived: "list[ImageResult] | None" = Field(
        default=None,
        description="only with `group=origin`: what was made of it, with rectangles in its own pixels",
    )


class Results(BaseModel):
    items: list[ImageResult]
    next_cursor: str | None


_Most = Annotated[int | None, Field(ge=0, le=MAX_QUOTA)]


class QuotasRequest(Wire):
    """What a team may have at the most, in place of all that was set before; null: as the settings say.

    bytes: of stored images, without their renditions. images: of tasks that were not deleted. open_tasks: those that
    have not ended.
    """

    bytes: _Most = None
    images: _Most = None
    open_tasks: _Most = None


class QuotasShown(BaseModel):
    bytes: int | None
    images: int | None
    open_tasks: int | None


class UsageShown(BaseModel):
    bytes: int
    images: int
    open_tasks: int


class TeamQuotasShown(BaseModel):
    """A team's quotas. `own`: what was set for it; `limits`: what counts, null for as much as it likes."""

    team: str
    own: QuotasShown
    limits: QuotasShown
    usage: UsageShown


class TeamQuotasPage(BaseModel):
    items: list[TeamQuotasShown]
    next_cursor: str | None
