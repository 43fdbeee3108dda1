"""What the consensus service keeps: tasks, rows of votes, runs, and the pages of what runs found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.consensus.row import KnownTask, Row
from services.consensus.run import Kind, Run
from shared.audit import AuditEntry
from shared.events import Message
from shared.outbox import Outbox

ChangeTask = Callable[[KnownTask | None], KnownTask]
ChangeRow = Callable[[Row | None], Row | None]
ChangeRun = Callable[[Run, float], tuple[Run, Sequence[Message]]]
"""A rule, called with the present state, a run's also with the time (epoch seconds); it returns the new state, for a
run with the events of the change, or raises a refusal. It may be called more than once. If it raises, or returns the
state that it was given, nothing is saved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageKey:
    """Where a page stands: the attempt of the run that found it, what it holds, and its number."""

    run_id: str
    attempt: str
    kind: str
    number: int


class ConsensusStore(Outbox, Protocol):
    """Every change is one atomic write by a rule, together with what is told of it."""

    async def task(self, task_id: str) -> KnownTask:
        """Raises NotFound."""
        ...

    async def change_task(self, task_id: str, change: ChangeTask) -> KnownTask:
        """Returns the new state; the rule makes one of a task that is not known."""
        ...

    async def forget_task(self, task_id: str) -> None:
        """Remove a task that was erased; any other stays."""
        ...

    async def row(self, image_id: str) -> Row:
        """Raises NotFound."""
        ...

    async def change_row(self, image_id: str, change: ChangeRow) -> Row | None:
        """Returns the new state; the rule makes one of an image that is not known, or None for nothing."""
        ...

    async def remove_rows(self, task_id: str, limit: int) -> int:
        """Remove rows of a task; returns how many."""
        ...

    async def rows(self, task_id: str, *, after: str, limit: int) -> list[Row]:
        """Rows of a task in the order of their ids, those behind `after`, without removed images."""
        ...

    async def rows_of_team(self, team: str, *, before: str, limit: int) -> list[Row]:
        """Rows of a team, those that ended last at the front, those behind the key `before`, which `place_of` makes;
        empty: all. Without removed images."""
        ...

    async def every_row(self, *, after: str, limit: int) -> list[Row]:
        """Rows of all tasks in the order of their ids, those behind `after`."""
        ...

    async def last_change(self, task_id: str) -> str:
        """Names the last change of a task's rows: another one after a further change. Empty where there is no row."""
        ...

    async def last_change_of_team(self, team: str) -> str:
        """Names the last change of a team's rows: another one after a further change. Empty where there is no row."""
        ...

    async def add_run(self, run: Run, *, noted: Sequence[AuditEntry] = ()) -> bool:
        """Save a new run. False, with nothing changed, where there is one with its id."""
        ...

    async def run(self, run_id: str) -> Run:
        """Raises NotFound."""
        ...

    async def change_run(self, run_id: str, change: ChangeRun, *, noted: Sequence[AuditEntry] = ()) -> Run:
        """Returns the new state. Raises NotFound, and what the rule raises."""
        ...

    async def is_told(self, run_id: str) -> bool:
        """Whether all that was told of a run is published."""
        ...

    async def runs(self, team: str, kind: Kind, *, task_id: str, limit: int) -> list[Run]:
        """A team's runs about a task, or about its operators with an empty `task_id`: those that were asked for last at
        the front."""
        ...

    async def under_way(self, team: str, limit: int) -> int:
        """How many of a team's runs are not over, counted to `limit`."""
        ...

    async def due(self, *, now: float, limit: int) -> list[Run]:
        """Runs for which a process has something to do, those that have waited for longest at the front."""
        ...

    async def every_run(self, *, after: str, limit: int) -> list[Run]:
        """Runs of all teams in the order of their ids, those behind `after`."""
        ...

    async def remove_run(self, run_id: str) -> bool:
        """Remove a run and all its pages, the run last; one that is not there is removed already. False, with the run
        as it was, where the events of it that are not published yet would go with it."""
        ...

    async def put_page(self, key: PageKey, body: bytes) -> None:
        """Save a page, in place of the one with its key."""
        ...

    async def page(self, key: PageKey) -> bytes | None:
        """A page; None where there is none."""
        ...

    async def pages(self, run_id: str) -> list[PageKey]:
        """The keys of all pages of a run."""
        ...

    async def remove_pages(self, run_id: str, *, but: str | None) -> None:
        """Remove the pages of a run, but those of one attempt."""
        ...
