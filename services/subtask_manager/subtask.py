"""What is kept of the labeling of one image, and what can happen to it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from shared.results import Imported, Prelabel, Result, State, VoteCast
from shared.teams import FIRST_TEAM
from shared.terms import Terms


class Fact(StrEnum):
    """What happened to a subtask, for others to hear of."""

    OPENED = "opened"
    COMPLETED = "completed"
    DISPUTED = "disputed"
    ADJUDICATED = "adjudicated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """A client's order to end subtasks with the votes they have: who gave it, and why."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What every subtask of one task shares.

    created_at: the task's, in epoch seconds.
    name: the task's; None where an older release told the terms.
    revision: of the terms; the highest one wins.
    team: whose the task is.
    finish: ends every subtask that is open, or opens later.
    """

    task_id: str
    owner: str
    terms: Terms
    created_at: float
    revision: int = 1
    finish: Finish | None = None
    name: str | None = None
    team: str = FIRST_TEAM

    def is_for(self, team: str, operator: str) -> bool:
        """Whether an operator of this team may label the task: what is not for them is not there for them."""
        invited = self.terms.operators
        return self.team == team and (invited is None or operator in invited)


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaiting:
    """An image whose subtask is to be opened, kept where it came before the brief of its task.

    revision: that of the brief which the image was stored under; an earlier brief does not open it.
    place: the image's in the task's order, where it has one.
    """

    subtask_id: str
    task_id: str
    object_key: str
    revision: int = 1
    filename: str = ""
    width: int = 0
    height: int = 0
    place: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """An estimate names another label than the record, and somebody asked adjudicators to look: who, when, and by which
    method of which consensus run. The record stays until one of them decides."""

    label: str
    method: str
    run_id: str
    by: str
    at: float


Mode = Literal["single", "grid"]
"""Whether an image was voted on by itself or in a row of others."""
MAX_TOOK_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a voter came to a vote. It says something about pace and care, and decides nothing.

    mode: a `Mode`; stored as text, so that one of a newer version can be read.
    took_ms: how long the voter saw the image, in milliseconds up to `MAX_TOOK_MS`; None where nobody said.
    """

    mode: str = "single"
    took_ms: int | None = None


UNTOLD = Manner()


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote(VoteCast):
    """A vote and its answer, with which the same vote is answered again: `total` is the number of votes including it,
    `state` the subtask's state after it."""

    total: int
    state: State
    manner: Manner = UNTOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """An operator's right to vote until `expires_at`, proven by its fencing token."""

    operator: str
    token: str
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtask:
    """The labeling of one image.

    slot: its place in the task's order, random where there is none; operators walk through a task by it.
    offered_at: from when on operators may lease it.
    available_at: when its present free place opened or, if a lease's expiry opens it, will open; None: it has none.
    state: `removed` keeps a subtask from being opened again with the same object.
    leases: the live ones, and the expired ones that may still vote.
    earlier: the results that later ones replaced, the first of them first.
    filename, width, height: the image's; empty and 0 where an older release opened it.
    team: the task's.
    prelabel: the detector's. imported: what the client says of the image, which is shown in its place.
    doubt: why a completed one waits for an adjudicator, as a disputed one does.
    is_alone: nobody but the detector looks at it, and nobody decides what that did not settle.
    """

    id: str
    task_id: str
    object_key: str
    slot: int
    opened_at: float
    offered_at: float
    available_at: float | None = None
    state: State | Literal["removed"] = "open"
    votes: tuple[Vote, ...] = ()
    leases: tuple[Lease, ...] = ()
    skipped_by: tuple[str, ...] = ()
    prelabel: Prelabel | None = None
    result: Result | None = None
    earlier: tuple[Result, ...] = ()
    filename: str = ""
    width: int = 0
    height: int = 0
    team: str = FIRST_TEAM
    doubt: Doubt | None = None
    imported: Imported | None = None
    is_alone: bool = False

    @property
    def awaits_adjudicator(self) -> bool:
        return (self.state == "disputed" and not self.is_alone) or self.doubt is not None
