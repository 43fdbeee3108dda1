"""Requests and answers of the subtask manager's API."""

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, Field, JsonValue

from services.subtask_manager.settings import Limits
from services.subtask_manager.subtask import MAX_TOOK_MS, Manner, Mode
from shared.export_formats import ExportFormat
from shared.http.answers import EarlierResult
from shared.http.requests import AS_INSTANT, AS_WHOLE_NUMBER, Reason, Wire
from shared.identity import Role
from shared.quotas import MAX_QUOTA
from shared.results import Detection

Id = Annotated[str, Field(min_length=1, max_length=64)]
Label = Annotated[str, Field(min_length=1, max_length=200)]
Token = Annotated[str, Field(min_length=1, max_length=64)]

MAX_LEASES = 100
MAX_VOTES = 1000
MAX_DISPUTES_COUNTED = 100
MAX_RECENT = 100

Since = Annotated[
    AwareDatetime | None,
    Query(description="where `today` begins, within the last 25 hours; without, the last midnight, UTC"),
    AS_INSTANT,
]
RecentLimit = Annotated[int, Query(ge=0, le=MAX_RECENT), AS_WHOLE_NUMBER]
PreferencesBody = dict[str, JsonValue]
TAGGED: dict[str, Any] = {"headers": {"ETag": {"description": "for If-Match", "schema": {"type": "string"}}}}


class UserShown(BaseModel):
    """With authentication off the name is the id, and every caller has all roles."""

    id: str
    name: str
    roles: list[Role]


class Me(BaseModel):
    """The caller, and what the platform takes and offers.

    `team`: the id of the team that they work in. `lease_s`: how long a lease lives, in seconds. `features`: those of
    later versions that this one has. `detector`: whether one is running. `disputes_open`: counted to 100, so that 100
    means as many or more.
    """

    user: UserShown
    team: str
    auth: Literal["off", "on"]
    lease_s: float
    limits: Limits
    features: list[Literal["boxes", "pipeline"]]
    exports: list[ExportFormat]
    detector: bool
    disputes_open: int
    version: str


class RecentVote(BaseModel):
    """A vote of the caller's own; `label` is null for unsure. `can_undo`: whether it can be taken back now."""

    subtask_id: str
    task_id: str
    label: str | None
    at: str
    can_undo: bool
    thumbnail_url: str


class Activity(BaseModel):
    """The caller's own votes that stand. `today`: counted to 10,000. `votes_per_minute`: the mean of the last five
    minutes. `recent`: of the last 25 hours, the newest first."""

    today: int
    votes_per_minute: float
    recent: list[RecentVote]


class WorkShown(BaseModel):
    """A task with open images.

    `name`: null where an older release told of the task; `labels`: how many. `open_for_me`: whether the caller holds an
    image of it or could have one, or there are too many to say in one look. `waiting_for_others`: the open images,
    counted to 100, where none is for the caller; else 0. `has_suggestions`: whether a detector may suggest labels.
    """

    task_id: str
    name: str | None
    labels: int
    open_for_me: bool
    waiting_for_others: int
    has_suggestions: bool


class WorkList(BaseModel):
    """The oldest tasks with open images, 32 at the most."""

    items: list[WorkShown]


class LeaseRequest(Wire):
    """How many leases the caller wants to hold, of a task or of the oldest with work.

    `suggested`: of the named task only what the detector suggests this label for. `order`: the most sure first
    (`confident`, as without) or the least (`uncertain`); `slot` is the order of a request without `suggested`.
    `cursor`: `next_cursor` of the answer before.
    """

    count: Annotated[int, Field(ge=1, le=MAX_LEASES)] = 1
    task_id: Id | None = None
    suggested: Label | None = None
    order: Literal["slot", "confident", "uncertain"] | None = None
    min_confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    cursor: Annotated[str, Field(min_length=1, max_length=100)] | None = None


class PrelabelShown(BaseModel):
    label: str | None
    confidence: float | None
    model: str
    objects: list[Detection]


class LeaseGranted(BaseModel):
    """`filename` is null where the task hides names; all of the file's fields are where an older release opened it.
    `thumbnail_url`: 320 pixels; `screen_url`: 1,600, null where the image has less than 4 megapixels."""

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
    prelabel: PrelabelShown | None
    filename: str | None
    width: int | None
    height: int | None


class Leases(BaseModel):
    """Those held before come first. `more`: the answer was cut short; `waiting_for_others`: open, but not for you;
    `opening`: of your team, stored and on their way to be opened, about. The last two are counted where nothing is
    held, and not for a suggestion. `next_cursor`: behind what was looked at of a suggestion; null at its end."""

    leases: list[LeaseGranted]
    more: bool
    waiting_for_others: int
    opening: int
    next_cursor: str | None


class HeldLease(Wire):
    subtask_id: Id
    token: Token


class RenewRequest(Wire):
    leases: Annotated[list[HeldLease], Field(min_length=1, max_length=MAX_LEASES)]


class RenewOutcome(BaseModel):
    """`code`: `renewed`, or that of the refusal."""

    subtask_id: str
    status: int
    code: str
    detail: str
    expires_at: str | None


class RenewOutcomes(BaseModel):
    outcomes: list[RenewOutcome]


class VoteRequest(Wire):
    """`took_ms`: how long the image was on screen."""

    label: Label
    token: Token
    mode: Mode = "single"
    took_ms: Annotated[int, Field(ge=0, le=MAX_TOOK_MS)] | None = None

    @property
    def manner(self) -> Manner:
        return Manner(mode=self.mode, took_ms=self.took_ms)


class VoteInBatch(VoteRequest):
    subtask_id: Id


class VotesRequest(Wire):
    votes: Annotated[list[VoteInBatch], Field(min_length=1, max_length=MAX_VOTES)]


class VoteOutcome(BaseModel):
    """`code`: `counted`, also for a vote that is sent again, or that of the refusal."""

    subtask_id: str
    status: int
    code: str
    detail: str
    subtask_state: Literal["open", "completed", "disputed"] | None


class VoteOutcomes(BaseModel):
    outcomes: list[VoteOutcome]


class VoteShown(BaseModel):
    """`mode`: `single` or `grid`; `took_ms`: how long the image was on the voter's screen, null where nobody said."""

    voter: str
    label: str | None
    at: str
    mode: str
    took_ms: int | None


class ResultShown(BaseModel):
    label: str | None
    agreement: float | None
    votes: dict[str, int]
    decided_by: str | None
    revision: int
    completed_at: str
    by: str | None
    reason: str | None


class DoubtShown(BaseModel):
    """`label`: what a method of a consensus run names in place of the record's label. `by`: who asked adjudicators to
    look."""

    label: str
    method: str
    run_id: str
    by: str
    at: str


class SubtaskShown(BaseModel):
    """`doubt`: why a completed one waits for an adjudicator; its result stays until one decides."""

    id: str
    task_id: str
    state: Literal["open", "completed", "disputed"]
    labels: list[str]
    label_names: dict[str, str]
    image_url: str
    thumbnail_url: str
    screen_url: str | None
    votes: list[VoteShown]
    live_leases: int
    allow_unsure: bool
    prelabel: PrelabelShown | None
    filename: str | None
    width: int | None
    height: int | None
    result: ResultShown | None
    earlier: list[EarlierResult]
    doubt: DoubtShown | None = None


class Disputes(BaseModel):
    items: list[SubtaskShown]
    next_cursor: str | None


class Adjudication(Wire):
    label: Label
    reason: Reason


class FinishOrder(Wire):
    """End an open image with the votes it has, and why."""

    reason: Reason


class OldSubtasksRequest(Wire):
    """As the Go system's operators ask for work."""

    userId: Annotated[str, Field(min_length=1, max_length=200)]
    numberOfSubtasks: Annotated[int, Field(ge=1, le=MAX_LEASES)]


class OldSubtask(BaseModel):
    id: str
    labels: list[str]


class OldSubtasks(BaseModel):
    subtasks: list[OldSubtask]


class OldVote(Wire):
    """As the Go system's operators vote."""

    userId: Annotated[str, Field(min_length=1, max_length=200)]
    assignedLabel: Label


class LeaseQuotasRequest(Wire):
    """How many live leases each operator may hold in a team; null: as the settings say."""

    live_leases: Annotated[int | None, Field(ge=0, le=MAX_QUOTA)] = None


class LeaseQuotas(BaseModel):
    live_leases: int | None


class LeaseQuotasShown(BaseModel):
    """`own`: what was set for the team; `limits`: what counts, null for as many as an operator likes."""

    team: str
    own: LeaseQuotas
    limits: LeaseQuotas


class LeaseQuotasPage(BaseModel):
    """Teams for which something was set; `defaults` counts for all others."""

    defaults: LeaseQuotas
    items: list[LeaseQuotasShown]
    next_cursor: str | None
