"""The walk of an operator through a task, so that thousands of operators do not try the same subtask. Pure.

A walk is one lap by slot, from a start of the operator's own; after the lap it reads only subtasks whose place opened
since the lap began. It is a hint: losing it costs another lap, nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from services.subtask_manager.ranking import slot_of
from shared.terms import Order

Phase = Literal["whole", "lap", "wrapped", "openings"]
SLOTS = 2**62
SOON_S, LATE_S = 5.0, 30.0
"""A replica may see a place after the instant at which it opened, because clocks differ and writes take time: mostly by
less than `SOON_S`, and hardly ever by more than `LATE_S`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A subtask with a free place, as read from an index."""

    id: str
    slot: int
    available_at: float
    has_votes: bool

    @property
    def opening(self) -> tuple[float, int]:
        """Its position in the order of openings."""
        return self.available_at, self.slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """An operator's position in a task.

    phase: `lap` from `start` up, `wrapped` from slot 0 up to `start`, then `openings` in order of (available_at, slot).
        `whole` comes before the lap and is never kept: all openings, in case they fit into one window.
    slot: the next slot to look at; in `openings`, with `since`, the last place that was looked at.
    since: when the lap began; in `openings`, how far they were read (epoch seconds).
    """

    start: int
    slot: int
    since: float
    phase: Phase = "lap"

    @property
    def is_in_openings(self) -> bool:
        """Whether the next window is read in the order of openings, after `seen_to`; else by slot, from `slots`."""
        return self.phase in ("whole", "openings")

    @property
    def seen_to(self) -> tuple[float, int]:
        """The last opening that was looked at."""
        return (0.0, -1) if self.phase == "whole" else (self.since, self.slot)

    def slots(self) -> tuple[int, int]:
        """The slots still to walk in this phase of the lap, half-open."""
        return (self.slot, SLOTS if self.phase == "lap" else self.start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A walk, and when it last went back for places that became visible soon after their instant, and late."""

    walk: Walk
    back_soon_at: float
    back_late_at: float


def begin(operator: str, task_id: str, now: float, *, order: Order = "random") -> Walk:
    """A new walk, from a start of the operator's own; where the task has an order, from its beginning."""
    start = slot_of(f"{operator}\n{task_id}") if order == "random" else 0
    return Walk(start=start, slot=start, since=now)


def begin_hint(operator: str, task_id: str, now: float, *, order: Order = "random") -> Hint:
    """A new walk where several replicas write: it looks at the whole task first, and reads openings from before now."""
    walk = replace(begin(operator, task_id, now - LATE_S, order=order), phase="whole")
    return Hint(walk=walk, back_soon_at=now, back_late_at=now)


def back(hint: Hint, now: float) -> Hint:
    """Go back in the openings, every `SOON_S` a little and every `LATE_S` more, so that no place is missed for ever."""
    if hint.walk.phase != "openings" or now - hint.back_soon_at < SOON_S:
        return hint
    is_deep = now - hint.back_late_at >= LATE_S
    since = hint.back_late_at - LATE_S if is_deep else hint.back_soon_at - SOON_S
    walk = replace(hint.walk, since=min(hint.walk.since, since), slot=-1)
    return Hint(walk=walk, back_soon_at=now, back_late_at=now if is_deep else hint.back_late_at)


def priority(candidates: Sequence[Candidate], start: int) -> list[int]:
    """The order in which to try a window's candidates: those with votes first, by slot from the operator's start."""

    def order(position: int) -> tuple[bool, int]:
        candidate = candidates[position]
        return not candidate.has_votes, (candidate.slot - start) % SLOTS

    return sorted(range(len(candidates)), key=order)


def advance(walk: Walk, window: Sequence[Candidate], *, first_left: int | None, is_last: bool) -> Walk:
    """The walk after a window.

    first_left: the first candidate that was not tried, if any: the walk stops before it.
    is_last: the window holds the last candidates of its phase.
    """
    if walk.phase == "whole" and not is_last:  # the task is too large for one window
        return replace(walk, phase="lap")
    left = None if first_left is None else window[first_left]
    if walk.is_in_openings:
        if not window:
            return walk
        since, slot = window[-1].opening if left is None else (left.available_at, left.slot - 1)
        return replace(walk, phase="openings", since=since, slot=slot)
    if left is not None:
        return replace(walk, slot=left.slot)
    if not is_last:
        return replace(walk, slot=window[-1].slot + 1)
    return replace(walk, phase="wrapped", slot=0) if walk.phase == "lap" else replace(walk, phase="openings", slot=-1)
