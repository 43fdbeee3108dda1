"""A row for the grid: a task's open subtasks for which the detector suggests one label, by its confidence. Pure.

Stores index a subtask by its suggested label and its rank. One request looks at one stretch of the row:

    looked = the first `LOOK` entries of the row
    for entry in free(looked, now): try it, until the caller has enough
    the caller goes on behind reached(...)
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.subtask_manager import domain
from services.subtask_manager.ranking import slot_of
from services.subtask_manager.subtask import Brief, Lease, Subtask
from shared.decision import Decision

LOOK = 1_000
"""How many entries of a row one request looks at."""
TRIES = 200
"""How many subtasks of those one request tries."""
MAX_HELD = 100
"""Who holds so many subtasks of a task is granted no more by its rows."""
_FRACTION_BITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The row that a caller asks for.

    is_rising: the least sure ones come first, else the most sure.
    after: the rank behind which to look; None: from the row's beginning.
    """

    label: str
    min_confidence: float = 0.0
    is_rising: bool = False
    after: int | None = None

    def ranks(self) -> tuple[int, int]:
        """The ranks to look at, half-open."""
        least, end = _least_rank(self.min_confidence), _least_rank(1.0) + 2**_FRACTION_BITS
        if self.after is None:
            return least, end
        return (max(least, min(self.after + 1, end)), end) if self.is_rising else (least, min(self.after, end))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A subtask of a row, as read from the index; `available_at` as in its state."""

    id: str
    rank: int
    available_at: float | None


def place_of(subtask: Subtask) -> tuple[str, int] | None:
    """The row in which a subtask stands, by its label, and its rank there: its confidence, then its id's own slot."""
    suggested = domain.suggestion(subtask)
    if subtask.state != "open" or suggested is None or suggested.label is None or suggested.confidence is None:
        return None
    own = slot_of(subtask.id) >> (62 - _FRACTION_BITS)
    return suggested.label, _least_rank(suggested.confidence) + own


def is_in(row: Row, subtask: Subtask, brief: Brief) -> bool:
    """Whether operators see that suggestion on the subtask, sure enough."""
    shown = domain.shown_prelabel(subtask, brief)
    return shown is not None and shown.label == row.label and (shown.confidence or 0) >= row.min_confidence


def grant_lease(subtask: Subtask, brief: Brief, now: float, *, row: Row, lease: Lease) -> Decision[Subtask, bool]:
    """Grant the lease if the subtask is of the row, and this operator may have it; the answer says whether."""
    if not is_in(row, subtask, brief):
        return Decision(state=subtask, answer=False)
    return domain.grant_lease(subtask, brief, now, lease=lease)


def wanted(row: Row, live: Sequence[tuple[Subtask, Brief]], count: int) -> int:
    """How many leases more a caller gets who holds these of the task, and wants to hold `count` of the row."""
    of_row = sum(is_in(row, subtask, brief) for subtask, brief in live)
    return max(min(count - of_row, MAX_HELD - len(live)), 0)


def free(looked: Sequence[Entry], now: float) -> list[Entry]:
    """The entries to try: those with a free place."""
    return [one for one in looked if one.available_at is not None and one.available_at <= now]


def reached(row: Row, looked: Sequence[Entry], tried: Sequence[Entry], now: float) -> int | None:
    """The rank behind which the next request goes on, after these of the free ones were tried; None: that was all."""
    if len(tried) < len(free(looked, now)):
        return tried[-1].rank if tried else row.after
    return looked[-1].rank if len(looked) == LOOK else None


def _least_rank(confidence: float) -> int:
    """The rank of a confidence, in 2**29 steps, so that ranks have 62 bits."""
    return int(min(confidence, 1.0) * (2**29)) << _FRACTION_BITS
