"""What each voter may have cast for each subtask, as far as clients can know."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.crew.history import History, Operation

LEASE_MARGIN_S = 0.1
"""A lease that ended so shortly after an answer may have ended before it."""


@dataclass(slots=True)
class _Belief:
    """What one voter may have cast for one subtask, None for nothing; and the lease it was last told of."""

    labels: set[str | None] = field(default_factory=lambda: {None})
    late: set[str | None] = field(default_factory=set[str | None])
    token: str = ""
    expires_at: float = 0.0
    may_lose_lease: bool = False
    """It was given back in a request that may still come."""

    def possible(self) -> set[str | None]:
        return self.labels | self.late


Beliefs = dict[tuple[str, str], _Belief]
"""By subtask and voter."""


def believed(history: "History") -> Beliefs:
    """What each voter may have cast for each subtask, from all that was asked and answered."""
    beliefs: Beliefs = defaultdict(_Belief)
    fold: dict[str, Callable[[History, Operation, _Belief], None]] = {
        "vote": _fold_vote,
        "undo": _fold_undo,
        "return": _fold_return,
    }
    for one in sorted(history.operations, key=lambda one: (one.group, one.outcome != "ok", one.index)):
        if one.kind == "lease" and one.outcome == "ok":
            for lease in one.answer["leases"]:
                _fold_lease(lease, beliefs[lease["subtask_id"], one.process])
        elif one.kind in fold and one.subtask:
            fold[one.kind](history, one, beliefs[one.subtask, one.process])
    return beliefs


def _fold_vote(history: "History", one: "Operation", belief: _Belief) -> None:
    if one.outcome == "ok":
        if not belief.possible() & {None, one.label}:
            history.violated("I4", f"{one.process} was told that {one.label!r} counts after {belief.labels}: {one}")
        belief.labels, belief.token = {one.label}, ""
    elif one.outcome != "fail":
        if None in belief.possible():
            belief.labels = belief.labels | {one.label}
            belief.late |= {one.label} if _may_come_late(history, one) else set()
    elif one.status == 409:
        others = belief.possible() - {None, one.label}
        if "another label" in one.detail and not others:
            history.violated("I3", f"{one.process} was told of a vote that it never cast: {one}")
        is_live = one.token == belief.token != "" and one.ended_at < belief.expires_at - LEASE_MARGIN_S
        if is_live and not others and not belief.may_lose_lease:
            history.violated("I8", f"{one.process} was turned away though its lease lives: {one}")


def _fold_undo(history: "History", one: "Operation", belief: _Belief) -> None:
    if one.outcome == "ok":
        belief.labels = {None}
        _fold_lease(one.answer, belief)
    elif one.outcome != "fail":
        belief.labels = belief.labels | {None}
        belief.late |= {None} if _may_come_late(history, one) else set()


def _fold_return(history: "History", one: "Operation", belief: _Belief) -> None:
    belief.token = ""
    belief.may_lose_lease |= one.outcome == "info" and _may_come_late(history, one)


def _may_come_late(history: "History", one: "Operation") -> bool:
    return one.is_late or history.is_every_info_late


def _fold_lease(lease: dict[str, Any], belief: _Belief) -> None:
    belief.token = lease["token"]
    belief.expires_at = datetime.fromisoformat(lease["expires_at"]).timestamp()
