"""A lease request on SQLite: the operator's own leases, then a search through tasks, window by window."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field

from services.subtask_manager import walk as walks
from services.subtask_manager.refusals import TaskCancelled
from services.subtask_manager.search import MAX_TASKS, MIN_WINDOW, Search, TaskSearch, Window
from services.subtask_manager.store import Claim
from services.subtask_manager.store.sqlite.invited import IS_FOR
from services.subtask_manager.subtask import Brief, Subtask
from services.subtask_manager.walk import Candidate, Walk
from shared.teams import key_in

MAX_WINDOWS = 16
Held = tuple[Subtask, Brief]


def is_known(db: sqlite3.Connection, team: str, operator: str, task_id: str) -> bool:
    """Whether the brief of a task that the team's operator may label has come. Raises TaskCancelled."""
    query = f"SELECT is_cancelled FROM briefs WHERE task_id = ? AND team = ? AND {IS_FOR}"  # noqa: S608 - ours
    row = db.execute(query, (task_id, team, operator)).fetchone()
    if row is not None and row[0]:
        raise TaskCancelled("the task was cancelled")
    return row is not None


def kept_walk(db: sqlite3.Connection, task_id: str, operator: str) -> Walk | None:
    """Where an operator stands in a task."""
    query = "SELECT start, slot, since, phase FROM walks WHERE task_id = ? AND operator = ?"
    row = db.execute(query, (task_id, operator)).fetchone()
    return Walk(start=row[0], slot=row[1], since=row[2], phase=row[3]) if row else None


def read_window(db: sqlite3.Connection, task_id: str, window: Window, now: float) -> list[Candidate]:
    """The subtasks of a window whose places are free now."""
    if window.walk.is_in_openings:
        rows = db.execute(
            """SELECT id, slot, available_at, has_votes FROM subtasks INDEXED BY by_opening
               WHERE task_id = ? AND (available_at, slot) > (?, ?) AND available_at <= ?
               ORDER BY available_at, slot LIMIT ?""",
            (task_id, *window.walk.seen_to, now, window.size),
        )
    else:
        rows = db.execute(
            """SELECT id, slot, available_at, has_votes FROM subtasks INDEXED BY by_slot
               WHERE task_id = ? AND slot >= ? AND slot < ? AND available_at <= ? ORDER BY slot LIMIT ?""",
            (task_id, *window.walk.slots(), now, window.size),
        )
    return [Candidate(id=i, slot=slot, available_at=at, has_votes=bool(has)) for i, slot, at, has in rows]


@dataclass(slots=True, kw_only=True)
class SqliteClaim:
    """One lease request under way, in the transaction that saves what it is granted.

    load: a subtask by its id. brief: a task's.
    grant: asks the rule for a subtask, and saves what it grants; None where it grants nothing.
    """

    db: sqlite3.Connection
    team: str
    operator: str
    task_id: str | None
    count: int
    now: float
    load: Callable[[str], Held]
    brief: Callable[[str], Brief]
    grant: Callable[[str], Held | None]

    _search: Search = field(init=False)
    _granted: list[Held] = field(default_factory=list[Held])

    def run(self) -> Claim:
        """Raises TaskCancelled."""
        if self.task_id is not None and not is_known(self.db, self.team, self.operator, self.task_id):
            return Claim(held=(), is_cut_short=False, waiting_for_others=0)
        leases = self._leases(self.count + MIN_WINDOW)
        live = [self.load(subtask_id) for subtask_id, expires_at in leases if expires_at > self.now][: self.count]
        self._search = Search(wanted=self.count - len(live), windows_left=MAX_WINDOWS)
        for subtask_id, expires_at in leases:
            if expires_at <= self.now and self._search.missing > 0 and not self._try(subtask_id):
                forget = "DELETE FROM leases WHERE operator = ? AND subtask_id = ?"
                self.db.execute(forget, (self.operator, subtask_id))
        is_cut_short = self._search.missing > 0 and self._search_tasks()
        held = (*live, *self._granted)
        return Claim(held=held, is_cut_short=is_cut_short, waiting_for_others=0 if held else self._count_open())

    def _leases(self, limit: int) -> list[tuple[str, float]]:
        """The operator's leases, the live ones first.

        The operator's walk has passed a subtask whose lease lapsed, so `run` tries the subtask once more. If that
        fails, the lease is removed: the walk will find the subtask when its next place opens.
        """
        query = f"""SELECT subtask_id, expires_at FROM leases JOIN briefs USING (task_id)
                    WHERE leases.operator = ? AND briefs.team = ? AND (? IS NULL OR briefs.task_id = ?)
                    AND NOT is_cancelled AND {IS_FOR} ORDER BY expires_at DESC, subtask_id LIMIT ?"""  # noqa: S608 - ours
        values = (self.operator, self.team, self.task_id, self.task_id, self.operator, limit)
        return self.db.execute(query, values).fetchall()

    def _count_open(self) -> int:
        query = f"""SELECT coalesce(sum(open), 0) FROM briefs
                    WHERE team = ? AND open > 0 AND NOT is_cancelled AND (? IS NULL OR task_id = ?) AND {IS_FOR}"""  # noqa: S608 - ours
        return self.db.execute(query, (self.team, self.task_id, self.task_id, self.operator)).fetchone()[0]

    def _search_tasks(self) -> bool:
        """Search the named task, else the oldest tasks; returns whether the search was cut short."""
        if self.task_id is not None:
            return self._search_task(self.task_id)
        query = "SELECT created_at, task_id FROM rounds WHERE operator = ?"
        walker = key_in(self.team, self.operator)
        stopped = self.db.execute(query, (walker,)).fetchone()
        listed = f"""SELECT created_at, task_id FROM briefs WHERE team = ? AND open > 0 AND NOT is_cancelled
                     AND (created_at, task_id) >= (?, ?) AND {IS_FOR} ORDER BY created_at, task_id LIMIT ?"""  # noqa: S608 - ours
        values = (self.team, *(stopped or (0.0, "")), self.operator, MAX_TASKS + 1)
        tasks = self.db.execute(listed, values).fetchall()
        for position, (task_created_at, next_id) in enumerate(tasks):
            is_over = position == MAX_TASKS or self._search.windows_left <= 0
            if is_over or self._search_task(next_id):
                row = (walker, task_created_at, next_id)
                self.db.execute("INSERT OR REPLACE INTO rounds (operator, created_at, task_id) VALUES (?,?,?)", row)
                return True
            if self._search.missing <= 0:
                break
        if stopped is None:
            return False
        self.db.execute("DELETE FROM rounds WHERE operator = ?", (walker,))
        return self._search.missing > 0  # this round began in the middle: the oldest tasks are still to be searched

    def _search_task(self, task_id: str) -> bool:
        """Search a task; returns whether the search was cut short."""
        kept = kept_walk(self.db, task_id, self.operator)
        task = TaskSearch(self._search, kept or self._begin(task_id))
        while (window := task.next_window()) is not None:
            task.seen(read_window(self.db, task_id, window, self.now))
            while (candidate := task.next_candidate()) is not None:
                self._try(candidate.id)
        walk = task.walk_to_keep
        if walk is not None and walk != kept:
            self.db.execute(
                "INSERT OR REPLACE INTO walks (task_id, operator, start, slot, since, phase) VALUES (?,?,?,?,?,?)",
                (task_id, self.operator, walk.start, walk.slot, walk.since, walk.phase),
            )
        return task.is_cut_short

    def _begin(self, task_id: str) -> Walk:
        return walks.begin(self.operator, task_id, self.now, order=self.brief(task_id).terms.order)

    def _try(self, subtask_id: str) -> bool:
        """Whether the rule granted the subtask."""
        granted = self.grant(subtask_id)
        if granted is None:
            return False
        self._granted.append(granted)
        self._search.granted += 1
        return True
