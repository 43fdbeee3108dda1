"""Which tasks are for whom, in SQLite: beside the terms, so that queries leave out what is not for an operator."""

import sqlite3

from services.subtask_manager.subtask import Brief

SCHEMA = """
ALTER TABLE briefs ADD COLUMN only_invited INTEGER NOT NULL DEFAULT 0;
DROP INDEX tasks_with_work;
CREATE INDEX tasks_with_work ON briefs (team, created_at, task_id, only_invited) WHERE open > 0 AND NOT is_cancelled;
CREATE TABLE invited (operator TEXT NOT NULL, task_id TEXT NOT NULL, PRIMARY KEY (operator, task_id)) WITHOUT ROWID;
CREATE INDEX invited_to ON invited (task_id);
"""
IS_FOR = """(NOT briefs.only_invited OR EXISTS (
    SELECT 1 FROM invited WHERE invited.operator = ? AND invited.task_id = briefs.task_id))"""
"""Whether a task of the table `briefs` is for an operator."""


def keep_invited(db: sqlite3.Connection, brief: Brief) -> None:
    """Save for whom a task is by its present terms."""
    operators = brief.terms.operators
    db.execute("UPDATE briefs SET only_invited = ? WHERE task_id = ?", (operators is not None, brief.task_id))
    db.execute("DELETE FROM invited WHERE task_id = ?", (brief.task_id,))
    rows = [(operator, brief.task_id) for operator in operators or ()]
    db.executemany("INSERT OR IGNORE INTO invited (operator, task_id) VALUES (?,?)", rows)
