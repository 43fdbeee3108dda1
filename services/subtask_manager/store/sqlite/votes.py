"""The votes that stand, by who cast them, in SQLite: kept in the transaction that saves their subtask."""

import sqlite3
from collections.abc import Iterable

from services.subtask_manager.subtask import Subtask, Vote


def keep_votes(db: sqlite3.Connection, before: Subtask, after: Subtask) -> None:
    """Keep what a change of a subtask did to its votes."""
    if before.votes is after.votes:
        return
    stood, stand = {*_keys(before.votes)}, {*_keys(after.votes)}
    _remove(db, before.id, stood - stand)
    _add(db, after.id, stand - stood)


def keep_all(db: sqlite3.Connection, subtask: Subtask) -> None:
    """Keep the votes of a subtask of which none is kept."""
    _add(db, subtask.id, _keys(subtask.votes))


def forget_votes(db: sqlite3.Connection, subtask: Subtask) -> None:
    """Keep none of a subtask's votes any more."""
    _remove(db, subtask.id, _keys(subtask.votes))


def _keys(votes: Iterable[Vote]) -> list[tuple[str, float]]:
    return [(vote.voter, vote.at) for vote in votes]


def _add(db: sqlite3.Connection, subtask_id: str, keys: Iterable[tuple[str, float]]) -> None:
    rows = [(*key, subtask_id) for key in keys]
    db.executemany("INSERT INTO votes_by_voter (voter, at, subtask_id) VALUES (?,?,?)", rows)


def _remove(db: sqlite3.Connection, subtask_id: str, keys: Iterable[tuple[str, float]]) -> None:
    rows = [(*key, subtask_id) for key in keys]
    db.executemany("DELETE FROM votes_by_voter WHERE voter = ? AND at = ? AND subtask_id = ?", rows)
