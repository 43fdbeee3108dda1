"""Numbered steps that bring a SQLite file to the present schema. `PRAGMA user_version` counts the steps taken.

A released step never changes: every change of the schema is a further step. Step 1 of each file creates the tables of
the first release where they are missing, because that release did not number its files.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence

from shared.errors import QuorateError

Step = Callable[[sqlite3.Connection], None]
BATCH = 2_000

log = logging.getLogger(__name__)


class NewerFile(QuorateError):
    """A newer version has written this file."""


def statements(script: str) -> Step:
    """A step that executes the statements of a script."""

    def step(db: sqlite3.Connection) -> None:
        for statement in _split(script):
            db.execute(statement)

    return step


def bodies(table: str, upgraded: Callable[[bytes], bytes]) -> Step:
    """A step that rewrites the column `body` of every row, in batches."""

    def step(db: sqlite3.Connection) -> None:
        last = -1
        query = f"SELECT rowid, body FROM {table} WHERE rowid > ? AND body NOT NULL ORDER BY rowid LIMIT ?"  # noqa: S608
        while rows := db.execute(query, (last, BATCH)).fetchall():
            last = rows[-1][0]
            db.executemany(
                f"UPDATE {table} SET body = ? WHERE rowid = ?",  # noqa: S608 - a table of ours
                [(upgraded(body), rowid) for rowid, body in rows],
            )

    return step


def refuse_newer(db: sqlite3.Connection, steps: Sequence[Step], name: str) -> int:
    """How many steps the file has taken. Raises NewerFile where it has taken some that are not known here."""
    taken: int = db.execute("PRAGMA user_version").fetchone()[0]
    if taken > len(steps):
        raise NewerFile(
            f"{name} was written by a newer version of Quorate (schema {taken}, this one knows {len(steps)}):"
            " start that version, or restore the backup that was made before the upgrade"
        )
    return taken


def migrate(db: sqlite3.Connection, steps: Sequence[Step], name: str) -> None:
    """Take the missing steps, each in a transaction. Raises NewerFile."""
    taken = refuse_newer(db, steps, name)
    for number, step in enumerate(steps[taken:], taken + 1):
        db.execute("BEGIN IMMEDIATE")
        step(db)
        db.execute(f"PRAGMA user_version = {number}")
        db.execute("COMMIT")
        log.info("a database took a step of its schema", extra={"database": name, "schema": number})


def _split(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
