"""What the subtask manager keeps: briefs, subtasks, and the events that their changes cause."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from services.subtask_manager.domain import Awaiting, Brief, Subtask
from shared.decision import Decision
from shared.events import Message
from shared.outbox import Outbox

A = TypeVar("A")
Decide = Callable[[Subtask, Brief, float], Decision[Subtask, A]]
"""A rule, asked with the present state, the task's brief, and the time (epoch seconds)."""
Announce = Callable[[Subtask, Brief, tuple[str, ...], float], list[Message]]
"""What others must hear of a change: the new state, its brief, the facts, the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a lease request got.

    held: the operator's live subtasks, those held before first.
    is_cut_short: there may be more for this operator; ask again.
    waiting_for_others: open subtasks in scope, counted where nothing is held, up to a thousand at least.
    """

    held: tuple[tuple[Subtask, Brief], ...]
    is_cut_short: bool
    waiting_for_others: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """How many subtasks have a live lease, and how many have only lapsed ones that nobody has taken up again."""

    live: int
    lapsed: int


class SubtaskStore(Outbox, Protocol):
    """Queries narrow, the domain decides: every change of a subtask goes through a rule, and the new state and its
    events are saved in one atomic write. A rule may be asked more than once; what it raises is raised, nothing saved.
    """

    async def open(self, brief: Brief, decide: Callable[[float], Decision[Subtask, None]]) -> bool:
        """Save a new subtask and, with the task's first, its brief. False where it is there already or the task was
        cancelled: then nothing is saved."""
        ...

    async def keep_brief(self, brief: Brief) -> None:
        """Save the terms of a task; those of the highest revision stay. Nothing is saved where it was cancelled."""
        ...

    async def brief(self, task_id: str) -> Brief | None:
        """The terms of a task; None where they have not come yet. Raises NotFound where it was cancelled."""
        ...

    async def put_by(self, image: Awaiting) -> None:
        """Keep an image whose task's brief has not come yet; one that is kept already stays."""
        ...

    async def awaiting(self, task_id: str, limit: int) -> list[Awaiting]:
        """Images of a task that are kept so, `limit` at the most."""
        ...

    async def forget_awaiting(self, subtask_ids: Sequence[str]) -> None:
        """Keep these no longer."""
        ...

    async def find(self, subtask_id: str) -> tuple[Subtask, Brief]:
        """A subtask. Raises NotFound, also where its task was cancelled."""
        ...

    async def update(self, subtask_id: str, decide: Decide[A]) -> Decision[Subtask, A]:
        """Change a subtask by a rule. Raises NotFound, also where its task was cancelled."""
        ...

    async def claim(self, operator: str, *, task_id: str | None, count: int, grant: Decide[bool]) -> Claim:
        """The operator's live leases and, up to `count` in all, what `grant` grants of the free ones.

        Of the named task, else of the oldest that has any. Costs the same however many subtasks there are. A task that
        is not known yet has nothing to grant. Raises NotFound for a cancelled task.
        """
        ...

    async def leased(self) -> Leased:
        """What is leased now; ten thousand of each at the most, where counting costs."""
        ...

    async def disputes(self, *, task_id: str | None, after: str, limit: int) -> list[tuple[Subtask, Brief]]:
        """Disputed subtasks in order of their ids, those after `after`."""
        ...

    async def cancel(self, task_id: str) -> None:
        """Put up the task's tombstone: from here on none of its subtasks is found, and none can be opened."""
        ...

    async def purge(self, task_id: str, limit: int) -> int:
        """Remove subtasks of a cancelled task, `limit` at the most; returns how many were removed. With the last ones
        goes all else that is kept of it, but for the tombstone."""
        ...

    async def pending(self, limit: int) -> list[Message]:
        """The oldest events not yet cleared."""
        ...

    async def clear(self, ids: Sequence[str]) -> None:
        """Forget published events."""
        ...
