"""What is looked at before a start: a platform that could not work says so at once, in a sentence."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from embedded import data_dir
from shared.sqlite import Database
from shared.sqlite.soundness import refuse_unless_ours

FOLDERS = ("objects", "staging", "work", "incoming", "spool")
_HAS_IMAGES = "SELECT EXISTS (SELECT 1 FROM tasks WHERE state != 'cancelled' AND images > 0)"


def refuse_unusable(root: Path, databases: Iterable[Database]) -> None:
    """Raises UnusableFile, NewerFile, CopyBrokeOff or ImagesMissing; changes nothing.

    The folder is locked, and nothing open yet.
    """
    data_dir.refuse_incomplete(root)
    for name in FOLDERS:
        refuse_unless_ours(root / name)
    for database in databases:
        database.refuse_unusable()
    data_dir.refuse_without_images(root, has_images=_has_images(root / "tasks.sqlite"))


def _has_images(path: Path) -> bool:
    if not path.exists():
        return False
    with closing(sqlite3.connect(path)) as db:
        try:
            return bool(db.execute(_HAS_IMAGES).fetchone()[0])
        except sqlite3.OperationalError:  # a start that was killed before it had made the table
            return False
