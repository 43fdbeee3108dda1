"""Whether a SQLite file can be worked on, said before a start rather than by its first request."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from shared.errors import QuorateError
from shared.sqlite.migrations import Step, refuse_newer

CHECKED_BYTES = 64_000_000
"""A file up to this size is checked page by page, which takes less than a second."""
RESTORE = "keep it, and restore the backup of the whole data folder"


class UnusableFile(QuorateError):
    """A file of the data folder that cannot be worked on."""


def refuse_unusable(path: Path, steps: Sequence[Step]) -> None:
    """Raises UnusableFile where the file is not ours to write or is damaged, and NewerFile; changes nothing in it. No
    other process works on it."""
    if not path.exists():
        return
    for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        refuse_unless_ours(file)
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            refuse_newer(db, steps, path.name)
            found = _fault(db) if path.stat().st_size <= CHECKED_BYTES else None
    except sqlite3.OperationalError as error:
        raise UnusableFile(f"{path} cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        raise UnusableFile(f"{path} is damaged ({error}): {RESTORE}") from error
    if found is not None:
        raise UnusableFile(f"{path} is damaged ({found}): {RESTORE}")


def refuse_unless_ours(path: Path) -> None:
    """Raises UnusableFile where this process may not read and write what is there."""
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        raise UnusableFile(
            f"this process may not read and write {path}, which belongs to user {path.stat().st_uid}: start as that"
            " user, or give it to the user who starts"
        )


def _fault(db: sqlite3.Connection) -> str | None:
    (answer,) = db.execute("PRAGMA quick_check(1)").fetchone()
    return None if answer == "ok" else " ".join(str(answer).split())
