"""A look at what an operator can work on, on SQLite."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from services.subtask_manager import walk as walks
from services.subtask_manager import work
from services.subtask_manager.search import MAX_TASKS, TaskSearch
from services.subtask_manager.store.sqlite.claims import Held, kept_walk, read_window
from services.subtask_manager.store.sqlite.invited import IS_FOR
from services.subtask_manager.subtask import Brief
from services.subtask_manager.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteLook:
    """One look, which only reads; `load` and `brief` as of a claim."""

    db: sqlite3.Connection
    team: str
    operator: str
    now: float
    load: Callable[[str], Held]
    brief: Callable[[str], Brief]

    def run(self) -> list[Work]:
        own = self._own()
        query = f"""SELECT task_id, open FROM briefs WHERE team = ? AND open > 0 AND NOT is_cancelled AND {IS_FOR}
                    ORDER BY created_at, task_id LIMIT ?"""  # noqa: S608 - ours
        tasks = self.db.execute(query, (self.team, self.operator, MAX_TASKS)).fetchall()
        return [self._task(task_id, count, is_own=task_id in own) for task_id, count in tasks]

    def _task(self, task_id: str, count: int, *, is_own: bool) -> Work:
        brief = self.brief(task_id)
        is_open = is_own or self._is_open(brief)
        return Work(brief=brief, is_open=is_open, waiting_for_others=0 if is_open else min(count, work.MAX_COUNTED))

    def _own(self) -> set[str]:
        """The tasks of subtasks that the operator holds, or held and could have again."""
        found = self.db.execute(
            """SELECT subtask_id FROM leases JOIN briefs USING (task_id)
               WHERE operator = ? AND team = ? AND NOT is_cancelled
               ORDER BY expires_at DESC, subtask_id LIMIT ?""",
            (self.operator, self.team, work.MAX_LEASES),
        ).fetchall()
        held = [self.load(subtask_id) for (subtask_id,) in found]
        return {one[1].task_id for one in held if self._may(one)}

    def _is_open(self, brief: Brief) -> bool:
        begin = walks.begin(self.operator, brief.task_id, self.now, order=brief.terms.order)
        task = TaskSearch(work.look(), kept_walk(self.db, brief.task_id, self.operator) or begin)
        while (window := task.next_window()) is not None:
            task.seen(read_window(self.db, brief.task_id, window, self.now))
            while (candidate := task.next_candidate()) is not None:
                if self._may(self.load(candidate.id)):
                    return True
        return task.is_cut_short

    def _may(self, held: Held) -> bool:
        return work.is_open_for(*held, self.now, operator=self.operator)
