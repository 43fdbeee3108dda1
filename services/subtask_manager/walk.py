"""How an operator walks through a task, so that thousands of them do not meet at the same subtask. Pure.

One lap by slot from a start of the operator's own; after that only subtasks whose place opened since the lap began. A
walk is a hint: losing it costs a lap, nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from services.subtask_manager.domain import slot_of

Phase = Literal["lap", "wrapped", "openings"]
SLOTS = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A subtask with a free place, as an index knows it."""

    id: str
    slot: int
    available_at: float
    has_votes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Where an operator stands in a task.

    phase: `lap` from `start` up, `wrapped` from slot 0 up to `start`, then `openings` in order of (available_at, slot).
    slot: the next slot to look at; in `openings`, with `since`, the last place that was looked at.
    since: when the lap began; in `openings`, how far they were read (epoch seconds).
    """

    start: int
    slot: int
    since: float
    phase: Phase = "lap"

    def slots(self) -> tuple[int, int]:
        """The slots still to walk in this phase of the lap, half-open."""
        return (self.slot, SLOTS if self.phase == "lap" else self.start)


def begin(operator: str, task_id: str, now: float) -> Walk:
    """A walk from a start that is the operator's own."""
    start = slot_of(f"{operator}\n{task_id}")
    return Walk(start=start, slot=start, since=now)


def whole(walk: Walk) -> Walk:
    """Instead of the lap: all openings from the first on, for a task whose free places fit into one window."""
    return replace(walk, phase="openings", since=0.0, slot=-1)


def priority(candidates: Sequence[Candidate], start: int) -> list[int]:
    """In which order to try a window's candidates: those that have votes first, by slot from the operator's start."""

    def order(position: int) -> tuple[bool, int]:
        one = candidates[position]
        return not one.has_votes, (one.slot - start) % SLOTS

    return sorted(range(len(candidates)), key=order)


def advance(walk: Walk, window: Sequence[Candidate], *, first_left: int | None, is_last: bool) -> Walk:
    """The walk after a window.

    first_left: the first candidate that was not granted and might still be, where there is one: it comes again.
    is_last: the window holds the last candidates of its phase.
    """
    if first_left is not None:
        left = window[first_left]
        if walk.phase == "openings":
            return replace(walk, since=left.available_at, slot=left.slot - 1)
        return replace(walk, slot=left.slot)
    if walk.phase == "openings":
        return replace(walk, since=window[-1].available_at, slot=window[-1].slot) if window else walk
    if not is_last:
        return replace(walk, slot=window[-1].slot + 1)
    return replace(walk, phase="wrapped", slot=0) if walk.phase == "lap" else replace(walk, phase="openings", slot=-1)
