"""Requests and answers of the consensus service's API."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from services.consensus.handlers import DEFAULT_METHODS
from services.consensus.run import State
from shared.http.requests import Wire

Method = Literal["majority", "ds", "one-coin", "mace", "glad"]
TaskId = Annotated[str, Query(pattern=r"^[0-9a-f]{32}$", description="runs of this task")]
Format = Literal["jsonl", "csv"]


class RunRequest(Wire):
    """`methods`: which estimates to make (docs/results.md says what each believes of voters)."""

    task_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    methods: Annotated[list[Method], Field(min_length=1, max_length=5, default_factory=lambda: list(DEFAULT_METHODS))]


class DisputeRequest(Wire):
    """The images on which this method differs from the record are to go to the adjudicators."""

    method: Method


class DifferingShown(BaseModel):
    """`differing`: on how many images the method names another label than the record, of the `compared` ones, on which
    both name one; `share`: of them."""

    method: Method
    differing: int
    compared: int
    share: float | None


class SendingShown(BaseModel):
    """`sent`: images that went to the adjudicators so far; `done_at`: when all had."""

    method: Method
    by: str
    at: str
    sent: int
    done_at: str | None


class RunShown(BaseModel):
    """`stage`: what a running one does, in words. `why`: why a failed one has no results; asked for again, it begins
    anew. `images`, `votes` and `voters`: what it is about, once it is finished."""

    id: str
    task_id: str
    state: State
    methods: list[Method]
    asked_by: str
    asked_at: str
    stage: str | None
    ended_at: str | None
    why: str | None
    images: int | None
    votes: int | None
    voters: int | None
    differing: list[DifferingShown]
    disputes: list[SendingShown]


class RunsShown(BaseModel):
    """Those that were asked for last at the front; of a task the latest ten are kept."""

    items: list[RunShown]


class SizeShown(BaseModel):
    votes: int
    images: int


class AgreementShown(BaseModel):
    """`alpha`: Krippendorff's, 1 where all agree and 0 where they agree as by chance. Early stopping moves it in either
    direction: compare tasks only where `votes_per_image` is alike. `kappa`: Fleiss', null where images have different
    numbers of votes (`why_no_kappa`)."""

    alpha: float | None
    kappa: float | None
    why_no_kappa: str | None
    votes_per_image: list[SizeShown]


class LeftOutShown(BaseModel):
    """What no estimate uses. `images_by_detector`: those that a detector decided alone."""

    unsure: int
    repeated: int
    contradicting: int
    images_by_detector: int


class MethodShown(BaseModel):
    """`labels`: images with a label; `ties`: without; `off_majority`: images with another label than majority has."""

    method: Method
    labels: int
    ties: int
    off_majority: int
    rounds: int
    has_settled: bool
    differing: int
    compared: int


class UnfitMethodShown(BaseModel):
    method: Method
    why: str


class PairShown(BaseModel):
    """Two voters: on how many images both voted, and named the same label."""

    voters: list[str]
    common: int
    alike: int


class ShareShown(BaseModel):
    """So many right of so many seen, and between which bounds the true share lies in 95 of 100 cases."""

    right: int
    seen: int
    low: float
    high: float


class LabelShareShown(ShareShown):
    label: str


class ConfusedShown(BaseModel):
    """On how many images the detector named one label, and people another or the same."""

    named: str
    others: str
    images: int


class DetectorShown(BaseModel):
    """`confusion`: the cells with most images."""

    model: str
    overall: ShareShown
    by_label: list[LabelShareShown]
    confusion: list[ConfusedShown]


class SummaryShown(BaseModel):
    """`detectors`: those that voted, beside the people's votes. `audit`: detectors on the images on which nobody saw
    what they said; only these tell how good one is."""

    agreement: AgreementShown
    left_out: LeftOutShown
    methods: list[MethodShown]
    left_out_methods: list[UnfitMethodShown]
    pairs: list[PairShown]
    detectors: list[DetectorShown]
    audit: list[DetectorShown]


class RunWithSummary(RunShown):
    """`summary`: null until it is finished."""

    summary: SummaryShown | None


class EstimateShown(BaseModel):
    """`label`: null for a tie; `posterior`: how likely the likeliest label is by the method."""

    label: str | None
    posterior: float


class ConsensusResult(BaseModel):
    """`label`: the record's, as it was when the run was made, null for a dispute; `differs`: the methods that name
    another."""

    image_id: str
    label: str | None
    revision: int
    methods: dict[Method, EstimateShown]
    differs: list[Method]


class ConsensusResults(BaseModel):
    items: list[ConsensusResult]
    next_cursor: str | None


class VoterShown(BaseModel):
    """`alike`: votes for what leads among the others' votes on an image, of the `compared` ones, on which one label
    leads. `skill`: the share of their votes that are right, as far as each method knows."""

    voter: str
    votes: int
    alike: int
    compared: int
    skill: dict[Method, float]


class VotersShown(BaseModel):
    """Those with most votes at the front."""

    items: list[VoterShown]
    next_cursor: str | None


Flag = Literal["one label", "long run", "fast", "often alone", "copies"]


class OperatorShown(BaseModel):
    """How somebody votes. `agreement`: the share of votes for what leads among the others' votes; `pace_per_minute`:
    without pauses; `commonest_share`: of their votes. `flags`: what is unusual, for a person to look at: nothing
    follows from it by itself."""

    operator: str
    votes: int
    votes_7d: int
    unsure_share: float
    pace_per_minute: float | None
    agreement: float | None
    compared: int
    commonest_label: str | None
    commonest_share: float | None
    longest_run: int
    last_vote_at: str
    flags: list[Flag]


class TogetherShown(BaseModel):
    """`common`: images on which both voted; `alike`: those on which they named the same label. `off`: images on which
    one of them or both differ from what leads among all others; `off_alike`: those on which both named the same
    nevertheless."""

    operators: list[str]
    common: int
    alike: int
    off: int
    off_alike: int
    flags: list[Flag]


class OperatorsShown(BaseModel):
    """`as_of`: when the votes were counted; null while they never were. `state`: of the latest counting; null without
    one. `pairs`: those with most images in common."""

    as_of: str | None
    state: State | None
    why: str | None
    images: int
    votes: int
    pairs: list[TogetherShown]
    items: list[OperatorShown]
    next_cursor: str | None


class CountingShown(BaseModel):
    """Where the counting of operators' votes stands."""

    state: State
    asked_at: str
