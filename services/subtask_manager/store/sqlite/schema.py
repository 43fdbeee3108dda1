"""The tables of the subtask manager, and the numbered steps to them."""

import sqlite3
from functools import partial

from services.subtask_manager.preferences import sqlite as preferences
from services.subtask_manager.row import place_of
from services.subtask_manager.store.codec import BRIEFS, SUBTASKS
from services.subtask_manager.store.sqlite import invited
from services.subtask_manager.store.sqlite.votes import keep_all
from shared.erasures import sqlite as erasures_sqlite
from shared.outbox import sqlite as outbox_sqlite
from shared.quotas import sqlite as quotas
from shared.sqlite.migrations import BATCH, bodies, statements

_FIRST = (
    outbox_sqlite.SCHEMA
    + """
CREATE TABLE IF NOT EXISTS briefs (
    task_id TEXT PRIMARY KEY,
    created_at REAL NOT NULL,
    open INTEGER NOT NULL DEFAULT 0,       -- open subtasks, kept in the transactions that change it
    is_cancelled INTEGER NOT NULL DEFAULT 0,
    body BLOB                              -- NULL for a tombstone that came before the task
);
CREATE INDEX IF NOT EXISTS tasks_with_work ON briefs (created_at, task_id) WHERE open > 0 AND NOT is_cancelled;
CREATE TABLE IF NOT EXISTS subtasks (
    id TEXT PRIMARY KEY,
    task_id TEXT NOT NULL,
    slot INTEGER NOT NULL,
    state TEXT NOT NULL,
    available_at REAL,
    has_votes INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS by_slot ON subtasks (task_id, slot, available_at, has_votes, id)
    WHERE available_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_opening ON subtasks (task_id, available_at, slot, has_votes, id)
    WHERE available_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_task ON subtasks (task_id, id);
CREATE INDEX IF NOT EXISTS disputed ON subtasks (id, task_id) WHERE state = 'disputed';
CREATE TABLE IF NOT EXISTS leases (
    operator TEXT NOT NULL, subtask_id TEXT NOT NULL, task_id TEXT NOT NULL, expires_at REAL NOT NULL,
    PRIMARY KEY (operator, subtask_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS walks (
    task_id TEXT NOT NULL, operator TEXT NOT NULL,
    start INTEGER NOT NULL, slot INTEGER NOT NULL, since REAL NOT NULL, phase TEXT NOT NULL,
    PRIMARY KEY (task_id, operator)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rounds (       -- where an operator goes on who asked for no task and was cut short
    operator TEXT PRIMARY KEY, created_at REAL NOT NULL, task_id TEXT NOT NULL
) WITHOUT ROWID;
"""
)
_AWAITING = """
CREATE TABLE awaiting (                   -- images that came before their task's brief
    subtask_id TEXT PRIMARY KEY, task_id TEXT NOT NULL, object_key TEXT NOT NULL, revision INTEGER NOT NULL,
    filename TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, place INTEGER
) WITHOUT ROWID;
CREATE INDEX awaiting_of_task ON awaiting (task_id);
"""


def _in_rows(db: sqlite3.Connection) -> None:
    """Open subtasks can be read by what the detector suggests for them, in the order of its confidence."""
    db.execute("ALTER TABLE subtasks ADD COLUMN suggested TEXT")  # NULL where none is shown to operators
    db.execute("ALTER TABLE subtasks ADD COLUMN rank INTEGER")
    last = -1
    query = "SELECT rowid, body FROM subtasks WHERE rowid > ? AND state = 'open' ORDER BY rowid LIMIT ?"
    while found := db.execute(query, (last, BATCH)).fetchall():
        last = found[-1][0]
        places = [(place_of(SUBTASKS.read_text(body)), rowid) for rowid, body in found]
        update = "UPDATE subtasks SET suggested = ?, rank = ? WHERE rowid = ?"
        db.executemany(update, [(*place, rowid) for place, rowid in places if place is not None])
    db.execute("CREATE INDEX by_suggestion ON subtasks (task_id, suggested, rank) WHERE suggested IS NOT NULL")


def _by_voter(db: sqlite3.Connection) -> None:
    """Votes can be read by who cast them, the newest first."""
    db.execute(
        """CREATE TABLE votes_by_voter (
               voter TEXT NOT NULL, at REAL NOT NULL, subtask_id TEXT NOT NULL, PRIMARY KEY (voter, at, subtask_id)
           ) WITHOUT ROWID"""
    )
    last = -1
    query = "SELECT rowid, body FROM subtasks WHERE rowid > ? AND has_votes ORDER BY rowid LIMIT ?"
    while found := db.execute(query, (last, BATCH)).fetchall():
        last = found[-1][0]
        for _, body in found:
            keep_all(db, SUBTASKS.read_text(body))


_OF_TEAMS = """
ALTER TABLE briefs ADD COLUMN team TEXT NOT NULL DEFAULT 'first';
ALTER TABLE subtasks ADD COLUMN team TEXT NOT NULL DEFAULT 'first';
DROP INDEX tasks_with_work;
CREATE INDEX tasks_with_work ON briefs (team, created_at, task_id) WHERE open > 0 AND NOT is_cancelled;
DROP INDEX disputed;
CREATE INDEX disputed ON subtasks (team, id, task_id) WHERE state = 'disputed';
"""
_FOR_ADJUDICATORS = """
ALTER TABLE subtasks ADD COLUMN awaits_adjudicator INTEGER NOT NULL DEFAULT 0;
UPDATE subtasks SET awaits_adjudicator = 1 WHERE state = 'disputed';
DROP INDEX disputed;
CREATE INDEX disputed ON subtasks (team, id, task_id) WHERE awaits_adjudicator;
"""
STEPS = (
    statements(_FIRST),
    bodies("briefs", partial(BRIEFS.upgraded_text, schema=1)),
    statements(_AWAITING),
    statements(preferences.SCHEMA),
    _in_rows,
    _by_voter,
    statements(_OF_TEAMS),
    statements(quotas.SCHEMA),
    statements(erasures_sqlite.SCHEMA),
    statements(invited.SCHEMA),
    statements(_FOR_ADJUDICATORS),
)
