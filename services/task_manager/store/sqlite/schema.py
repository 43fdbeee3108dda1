"""The tables of tasks and images, and the steps that bring those of earlier releases to them."""

import sqlite3
from functools import partial

from services.task_manager import listing as listings
from services.task_manager.domain import Task
from services.task_manager.imports.store import sqlite as imports
from services.task_manager.order import key_of
from services.task_manager.store import TASK_KEYS
from services.task_manager.store.codec import IMAGES, TASKS
from shared.erasures import sqlite as erasures_sqlite
from shared.outbox import sqlite as outbox_sqlite
from shared.quotas import sqlite as quotas
from shared.sqlite.migrations import BATCH, bodies, statements
from shared.teams import key_in

_FIRST = (
    outbox_sqlite.SCHEMA
    + """
CREATE TABLE IF NOT EXISTS tasks (
    id TEXT PRIMARY KEY,
    created_at REAL NOT NULL,
    state TEXT NOT NULL,
    is_erased INTEGER NOT NULL,
    has_uploads INTEGER NOT NULL DEFAULT 0,
    images INTEGER NOT NULL DEFAULT 0,     -- counts, kept in the transactions that change them
    completed INTEGER NOT NULL DEFAULT 0,
    disputed INTEGER NOT NULL DEFAULT 0,
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS newest ON tasks (created_at, id);
CREATE INDEX IF NOT EXISTS ending ON tasks (state, is_erased) WHERE state IN ('sealed', 'cancelled');
CREATE INDEX IF NOT EXISTS uploading ON tasks (id) WHERE has_uploads;
CREATE TABLE IF NOT EXISTS images (
    task_id TEXT NOT NULL,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    label TEXT,
    object_key TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS by_id ON images (task_id, id);
CREATE INDEX IF NOT EXISTS by_state ON images (task_id, state, id);
CREATE INDEX IF NOT EXISTS by_label ON images (task_id, label, id) WHERE label IS NOT NULL;
"""
)


def _upgraded_bodies(db: sqlite3.Connection) -> None:
    bodies("tasks", partial(TASKS.upgraded_text, schema=1))(db)
    bodies("images", partial(IMAGES.upgraded_text, schema=1))(db)


_REMOVED = """
CREATE TABLE removed (              -- images that were removed, so that a repeated request is answered as the first
    task_id TEXT NOT NULL, image_id TEXT NOT NULL, object_key TEXT NOT NULL,
    PRIMARY KEY (task_id, image_id)
) WITHOUT ROWID;
"""


def _ordered(db: sqlite3.Connection) -> None:
    """Images can be read in the order of upload and of names."""
    for column in ("upload_key", "name_key"):
        db.execute(f"ALTER TABLE images ADD COLUMN {column} TEXT")
    last = -1
    while rows := db.execute(
        "SELECT rowid, body FROM images WHERE rowid > ? ORDER BY rowid LIMIT ?", (last, BATCH)
    ).fetchall():
        last = rows[-1][0]
        images = [(rowid, IMAGES.read_text(body)) for rowid, body in rows]
        db.executemany(
            "UPDATE images SET upload_key = ?, name_key = ? WHERE rowid = ?",
            [(key_of(image, "upload"), key_of(image, "name"), rowid) for rowid, image in images],
        )
    db.execute("CREATE UNIQUE INDEX by_upload ON images (task_id, upload_key)")
    db.execute("CREATE UNIQUE INDEX by_name ON images (task_id, name_key)")


def _agreed(db: sqlite3.Connection) -> None:
    """Images that have ended can be read in the order of their agreement."""
    db.execute("ALTER TABLE images ADD COLUMN agreement_key TEXT NOT NULL DEFAULT ''")
    last = -1
    ended = "SELECT rowid, body FROM images WHERE rowid > ? AND state != 'open' ORDER BY rowid LIMIT ?"
    while rows := db.execute(ended, (last, BATCH)).fetchall():
        last = rows[-1][0]
        keys = [(key_of(IMAGES.read_text(body), "uncertain"), rowid) for rowid, body in rows]
        db.executemany("UPDATE images SET agreement_key = ? WHERE rowid = ?", keys)
    db.execute("CREATE INDEX by_agreement ON images (task_id, agreement_key)")


_RATED = """
ALTER TABLE images ADD COLUMN ended_at REAL;        -- of images that end from this step on
ALTER TABLE images ADD COLUMN counted_votes INTEGER;
CREATE INDEX by_end ON images (task_id, ended_at, counted_votes) WHERE ended_at IS NOT NULL;
"""


def _listed(db: sqlite3.Connection) -> None:
    """Tasks can be listed by state, owner and name."""
    for column in ("owner", *TASK_KEYS.values()):
        db.execute(f"ALTER TABLE tasks ADD COLUMN {column} TEXT")
    last = -1
    while rows := db.execute(
        "SELECT rowid, body FROM tasks WHERE rowid > ? ORDER BY rowid LIMIT ?", (last, BATCH)
    ).fetchall():
        last = rows[-1][0]
        db.executemany(
            "UPDATE tasks SET owner = ?, age_key = ?, name_key = ? WHERE rowid = ?",
            [(*listing_keys(TASKS.read_text(body)), rowid) for rowid, body in rows],
        )
    db.execute("DROP INDEX newest")
    for column in TASK_KEYS.values():
        db.execute(f"CREATE INDEX tasks_by_{column} ON tasks (state, {column}, id)")
        db.execute(f"CREATE INDEX tasks_of_owner_by_{column} ON tasks (owner, state, {column}, id)")


def listing_keys(task: Task) -> tuple[str, str, str]:
    """A task's owner, and its places by age and by name."""
    keys = [key_in(task.team, listings.key_of(task, order)) for order in TASK_KEYS]
    return task.owner, keys[0], keys[1]


_STATISTICS = "CREATE TABLE statistics (task_id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;"


def _of_teams(db: sqlite3.Connection) -> None:
    """What a team has stored can be summed over its tasks."""
    db.execute("ALTER TABLE tasks ADD COLUMN team TEXT NOT NULL DEFAULT 'first'")
    db.execute("ALTER TABLE tasks ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0")
    last = -1
    while rows := db.execute(
        "SELECT rowid, body FROM tasks WHERE rowid > ? ORDER BY rowid LIMIT ?", (last, BATCH)
    ).fetchall():
        last = rows[-1][0]
        teams = [(TASKS.read_text(body).team, rowid) for rowid, body in rows]
        db.executemany("UPDATE tasks SET team = ? WHERE rowid = ?", teams)
    last = -1
    while rows := db.execute(
        "SELECT rowid, body FROM images WHERE rowid > ? ORDER BY rowid LIMIT ?", (last, BATCH)
    ).fetchall():
        last = rows[-1][0]
        images = [IMAGES.read_text(body) for _, body in rows]
        sizes = [(image.size_bytes, image.task_id) for image in images]
        db.executemany("UPDATE tasks SET bytes = bytes + ? WHERE id = ?", sizes)
    db.execute("CREATE INDEX tasks_of_team ON tasks (team, is_erased, state, bytes, images)")


_CHANGES = "ALTER TABLE tasks ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;"
"""How often an image of the task was changed or removed since this step."""
_PIPELINES = """
ALTER TABLE tasks ADD COLUMN processing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN failed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN derived INTEGER NOT NULL DEFAULT 0;   -- of `images`, those in whose place others stand
ALTER TABLE images ADD COLUMN work_key TEXT;
"""

STEPS = (
    statements(_FIRST),
    _upgraded_bodies,
    statements(_REMOVED),
    _ordered,
    _agreed,
    statements(_RATED),
    _listed,
    statements(_STATISTICS),
    _of_teams,
    statements(quotas.SCHEMA),
    statements(erasures_sqlite.SCHEMA),
    statements(imports.SCHEMA),
    statements(_CHANGES),
    statements(_PIPELINES),
)
