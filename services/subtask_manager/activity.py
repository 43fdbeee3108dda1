"""What a voter did of late: from their own votes alone, and nothing of others'. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.subtask_manager import domain
from services.subtask_manager.subtask import Brief, Subtask, Vote

DAY_S = 86_400.0
LOOK_BACK_S = 25 * 3_600.0
"""How far back votes are looked at: a day, which has 25 hours where clocks go back."""
MAX_LOOKED_AT = 10_000
"""So many votes are looked at, the newest."""
PACE_S = 300.0


class Voted(NamedTuple):
    """A vote that stands, as an index knows it: when it was cast, and on which subtask."""

    at: float
    subtask_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """A vote of the caller's own that stands, and whether they may take it back."""

    subtask: Subtask
    brief: Brief
    vote: Vote
    may_undo: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """A voter's own votes: how many `today`, the newest ones, and the mean of the last minutes."""

    today: int
    votes_per_minute: float
    recent: tuple[Recent, ...]


def midnight(now: float) -> float:
    """When the present day began, UTC."""
    return now - now % DAY_S


def counted(voted: Sequence[Voted], *, since: float) -> int:
    return sum(vote.at >= since for vote in voted)


def votes_per_minute(voted: Sequence[Voted], now: float) -> float:
    """The mean of the last `PACE_S`."""
    return counted(voted, since=now - PACE_S) / (PACE_S / 60)


def recent(subtask: Subtask, brief: Brief, now: float, *, voter: str) -> Recent | None:
    """The voter's vote on a subtask; None where it was taken back meanwhile."""
    own = next((vote for vote in subtask.votes if vote.voter == voter), None)
    if own is None:
        return None
    return Recent(subtask=subtask, brief=brief, vote=own, may_undo=domain.may_undo(subtask, brief, now, voter=voter))
