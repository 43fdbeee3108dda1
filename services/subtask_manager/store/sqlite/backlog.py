"""How much work waits for operators, on SQLite: counts that are kept, and the first free place of some tasks."""

import sqlite3

from services.subtask_manager.store import MAX_OPEN, TASKS_LOOKED_AT, Backlog

_WITH_WORK = "FROM briefs WHERE open > 0 AND NOT is_cancelled"
_FIRST = f"""SELECT min(at) FROM (
    SELECT (SELECT min(available_at) FROM subtasks
            WHERE subtasks.task_id = listed.task_id AND available_at IS NOT NULL) AS at
    FROM (SELECT task_id {_WITH_WORK} ORDER BY team, created_at, task_id LIMIT ?) AS listed)"""  # noqa: S608 - ours


def backlog(db: sqlite3.Connection) -> Backlog:
    count = db.execute(f"SELECT coalesce(sum(open), 0) {_WITH_WORK}").fetchone()[0]
    return Backlog(open=min(count, MAX_OPEN), waits_since=db.execute(_FIRST, (TASKS_LOOKED_AT,)).fetchone()[0])
