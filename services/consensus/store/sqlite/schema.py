"""The tables of rows and runs, and the steps that bring those of earlier releases to them."""

from shared.erasures import sqlite as erasures_sqlite
from shared.outbox.sqlite import SCHEMA as OUTBOX
from shared.sqlite.migrations import statements

_FIRST = """
CREATE TABLE tasks (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE rows (
    id TEXT PRIMARY KEY,
    task_id TEXT NOT NULL,
    team TEXT NOT NULL,
    place TEXT,                     -- sorts by the time at which it ended; none, once the image was removed
    change TEXT NOT NULL,           -- sorts by the time at which it was saved
    body BLOB NOT NULL
);
CREATE INDEX rows_of_task ON rows (task_id, id);
CREATE INDEX rows_changed ON rows (task_id, change);
CREATE INDEX rows_of_team ON rows (team, place) WHERE place IS NOT NULL;
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    team TEXT NOT NULL,
    kind TEXT NOT NULL,
    task_id TEXT NOT NULL,
    asked TEXT NOT NULL,            -- sorts by the time at which it was asked for
    due_at REAL,                    -- none, once nothing is left to do
    is_over INTEGER NOT NULL,
    body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX runs_about ON runs (team, kind, task_id, asked);
CREATE INDEX runs_due ON runs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX runs_under_way ON runs (team) WHERE NOT is_over;
CREATE TABLE pages (id TEXT PRIMARY KEY, run_id TEXT NOT NULL, body BLOB NOT NULL);
CREATE INDEX pages_of_run ON pages (run_id, id);
"""
_CHANGED = "CREATE INDEX rows_changed_of_team ON rows (team, change);"
STEPS = (statements(_FIRST), statements(OUTBOX), statements(erasures_sqlite.SCHEMA), statements(_CHANGED))
