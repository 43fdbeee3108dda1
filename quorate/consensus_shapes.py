"""What the platform answers about consensus runs and about how operators vote."""

from typing import Any, Literal, NotRequired, TypedDict

Method = Literal["majority", "ds", "one-coin", "mace", "glad"]
RunState = Literal["waiting", "running", "finished", "failed"]


class Differing(TypedDict):
    method: Method
    differing: int
    compared: int
    share: float | None


class Sending(TypedDict):
    method: Method
    by: str
    at: str
    sent: int
    done_at: str | None


class ConsensusRun(TypedDict):
    """`summary`: agreement, methods, pairs and detectors of a finished run; only where one run is asked for."""

    id: str
    task_id: str
    state: RunState
    methods: list[Method]
    asked_by: str
    asked_at: str
    stage: str | None
    ended_at: str | None
    why: str | None
    images: int | None
    votes: int | None
    voters: int | None
    differing: list[Differing]
    disputes: list[Sending]
    summary: NotRequired[dict[str, Any] | None]


class Estimate(TypedDict):
    label: str | None
    posterior: float


class ConsensusResult(TypedDict):
    """`label`: the record's; `differs`: the methods that name another."""

    image_id: str
    label: str | None
    revision: int
    methods: dict[Method, Estimate]
    differs: list[Method]


class VoterFound(TypedDict):
    voter: str
    votes: int
    alike: int
    compared: int
    skill: dict[Method, float]


class OperatorFound(TypedDict):
    """How somebody votes. `flags`: what is unusual, for a person to look at."""

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
    flags: list[str]


class PairFound(TypedDict):
    operators: list[str]
    common: int
    alike: int
    off: int
    off_alike: int
    flags: list[str]


class OperatorsFound(TypedDict):
    """`as_of`: when they were counted; null while they never were."""

    as_of: str | None
    state: RunState | None
    why: str | None
    images: int
    votes: int
    pairs: list[PairFound]
    items: list[OperatorFound]
    next_cursor: str | None
