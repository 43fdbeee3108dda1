"""What the subtask manager keeps: briefs, subtasks, and the events that their changes cause."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from services.subtask_manager.activity import Voted
from services.subtask_manager.row import Row
from services.subtask_manager.subtask import Awaiting, Brief, Subtask
from services.subtask_manager.work import Work
from shared.decision import Decision
from shared.events import Message
from shared.outbox import Outbox

A = TypeVar("A")
MAX_HELD = 2_000
"""Leases of one operator that a request looks at."""
MAX_OPEN = 100_000
"""Open subtasks that are counted."""
TASKS_LOOKED_AT = 32
"""Tasks in which the first free place is looked for."""
Decide = Callable[[Subtask, Brief, float], Decision[Subtask, A]]
"""A rule, called with the present state, the task's brief, and the time (epoch seconds)."""
Announce = Callable[[Subtask, Brief, tuple[str, ...], float], list[Message]]
"""Makes the events of a change, from the new state, its brief, the facts and the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a lease request got.

    held: the operator's live subtasks, those held before first.
    is_cut_short: there may be more for this operator; ask again.
    waiting_for_others: open subtasks in scope, counted where nothing is held, up to a thousand at least.
    reached: of a row, the rank behind which to go on; None: its end.
    """

    held: tuple[tuple[Subtask, Brief], ...]
    is_cut_short: bool
    waiting_for_others: int
    reached: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """How many subtasks have a live lease, and how many have lapsed leases only."""

    live: int
    lapsed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Open subtasks, counted to `MAX_OPEN`, and since when the first of the free places waits for an operator (epoch
    seconds; it may lie ahead, where the first one opens with a lease's expiry), among `TASKS_LOOKED_AT` tasks; None:
    there is none."""

    open: int
    waits_since: float | None


class SubtaskStore(Outbox, Protocol):
    """Queries narrow, the domain decides: every change of a subtask goes through a rule, and the new state and its
    events are saved in one atomic write. A rule may be called more than once. If it raises, nothing is saved.
    """

    async def open(self, brief: Brief, decide: Callable[[float], Decision[Subtask, None]]) -> bool:
        """Save a new subtask, with its brief if it is the task's first. False, with nothing saved: the subtask exists
        already, or the task was cancelled."""
        ...

    async def keep_brief(self, brief: Brief) -> bool:
        """Save the terms of a task, in place of those of a lower revision. False where a higher one is there, or the
        task was cancelled: then nothing is saved. A replica may go by those of before for `stale_s` seconds more."""
        ...

    @property
    def stale_s(self) -> float:
        """How long another replica may go by terms that were replaced, in seconds."""
        ...

    async def open_ids(self, task_id: str, *, after: str, limit: int) -> list[str]:
        """A task's open subtasks in order of their ids, those after `after`."""
        ...

    async def ids(self, *, after: str, limit: int) -> list[str]:
        """Subtasks of all tasks in order of their ids, those after `after`."""
        ...

    async def forget_operator(self, operator: str) -> None:
        """Forget where an operator stands in tasks: no more than hints."""
        ...

    async def remove(self, stub: Subtask) -> None:
        """Put `stub`, a removed subtask, in place of the subtask with its id and object, or of none: from here on it is
        not found, and only another object opens it again."""
        ...

    async def brief(self, task_id: str, *, at_least: int = 1) -> Brief | None:
        """The terms of a task, of this revision or a later one; None where they have not come yet. Raises
        TaskCancelled."""
        ...

    async def put_by(self, image: Awaiting) -> None:
        """Keep an image whose task's brief has not come yet; one that is kept already stays."""
        ...

    async def awaiting(self, task_id: str, limit: int, *, revision: int) -> list[Awaiting]:
        """Images of a task that are kept so and ask for no later revision, `limit` at the most."""
        ...

    async def forget_awaiting(self, subtask_ids: Sequence[str]) -> None:
        """Keep these no longer."""
        ...

    async def find(self, subtask_id: str) -> tuple[Subtask, Brief]:
        """A subtask. Raises NotFound, also where it was removed; TaskCancelled."""
        ...

    async def find_each(self, subtask_ids: Sequence[str]) -> list[tuple[Subtask, Brief]]:
        """Those of these subtasks that `find` would find, in this order."""
        ...

    async def update(self, subtask_id: str, decide: Decide[A]) -> Decision[Subtask, A]:
        """Change a subtask by a rule. Raises NotFound, also where it was removed; TaskCancelled."""
        ...

    async def claim(self, team: str, operator: str, *, task_id: str | None, count: int, grant: Decide[bool]) -> Claim:
        """The operator's live leases in the team and, up to `count` in all, what `grant` grants of the free ones.

        Of the named task, else of the team's oldest that has any and that the operator may label. The cost does not
        grow with the number of subtasks. A task that is not known yet, another team's, or one to which others were
        invited, has nothing to grant. Raises TaskCancelled.
        """
        ...

    async def claim_row(
        self, team: str, operator: str, *, task_id: str, row: Row, count: int, grant: Decide[bool]
    ) -> Claim:
        """The operator's live leases in a row of a task and, up to `count` in all, what `grant` grants of the first
        free ones there, in the row's order. Nothing is counted that waits for others. Raises TaskCancelled.

        One request looks at `LOOK` subtasks of the row and tries `TRIES`, whatever the task has.
        """
        ...

    async def work(self, team: str, operator: str) -> list[Work]:
        """The team's oldest tasks with open subtasks that the operator may label, `MAX_TASKS` at the most, and whether
        one of these is open for the operator. Nothing is written, and the cost does not grow with the number of
        subtasks.
        """
        ...

    async def voted(self, voter: str, *, since: float) -> list[Voted]:
        """The voter's votes that stand, cast since then, the newest first; `MAX_LOOKED_AT` of them at the most. Those
        in cancelled tasks too, until they are purged."""
        ...

    async def held(self, team: str, operator: str) -> list[tuple[Subtask, Brief]]:
        """The operator's live leases in the team, two thousand at the most."""
        ...

    async def leased(self) -> Leased:
        """The leased subtasks now; each number may stop at ten thousand."""
        ...

    async def backlog(self) -> Backlog:
        """What waits for operators now, of all teams. It costs a count by index, and a look-up for each task."""
        ...

    async def disputes(self, team: str, *, task_id: str | None, after: str, limit: int) -> list[tuple[Subtask, Brief]]:
        """The team's subtasks that wait for an adjudicator, in order of their ids, those after `after`."""
        ...

    async def count_disputes(self, team: str, limit: int) -> int:
        """How many of the team's subtasks wait for an adjudicator, counted to `limit`; also those of cancelled tasks,
        until they are purged."""
        ...

    async def cancel(self, task_id: str) -> None:
        """Set the task's tombstone: from now on none of its subtasks is found, and none can be opened."""
        ...

    async def purge(self, task_id: str, limit: int) -> int:
        """Remove at most `limit` subtasks of a cancelled task; returns how many. With the last ones goes all else that
        is kept of it, but for the tombstone."""
        ...

    async def forget_task(self, task_id: str) -> None:
        """Remove the tombstone of a task that was purged."""
        ...

    async def pending(self, limit: int) -> list[Message]:
        """The oldest events not yet cleared."""
        ...

    async def clear(self, ids: Sequence[str]) -> None:
        """Remove published events."""
        ...
