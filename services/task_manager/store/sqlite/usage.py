"""What teams have, in SQLite: summed over their tasks, each of which knows what it has stored."""

import sqlite3
from collections.abc import Sequence

from services.task_manager.counting import weight_of
from services.task_manager.domain import Image
from services.task_manager.quotas import UNENDED, Usage

_USAGE = """SELECT coalesce(sum(bytes), 0), coalesce(sum(images), 0), coalesce(sum(state IN (?, ?)), 0) FROM tasks
            WHERE team = ? AND is_erased = 0"""


def of(db: sqlite3.Connection, team: str) -> Usage:
    """What a team has."""
    row = db.execute(_USAGE, (*UNENDED, team)).fetchone()
    return Usage(bytes=row[0], images=row[1], open_tasks=row[2])


def change(db: sqlite3.Connection, task_id: str, before: Sequence[Image], after: Sequence[Image]) -> None:
    """Count images of a task as they are after a change, in the transaction that saves it."""
    columns = weight_of(after).since(weight_of(before)).columns
    if columns:
        step = ", ".join(f"{column} = {column} + ?" for column in columns)
        db.execute(f"UPDATE tasks SET {step} WHERE id = ?", (*columns.values(), task_id))  # noqa: S608 - ours


def teams(db: sqlite3.Connection, after: str, limit: int) -> list[str]:
    """Teams by id: each is one look into the index, however many tasks it has."""
    found: list[str] = []
    while len(found) < limit:
        [team] = db.execute("SELECT min(team) FROM tasks WHERE team > ?", (after,)).fetchone()
        if team is None:
            break
        found.append(team)
        after = team
    return found
