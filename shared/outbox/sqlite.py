"""The outbox of a store on SQLite, in the store's own file: events are saved in the transaction of their change."""

import sqlite3
from collections.abc import Iterable, Sequence

from shared.events import Message
from shared.sqlite import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT, type TEXT, subject TEXT, body BLOB);
CREATE INDEX IF NOT EXISTS outbox_by_id ON outbox (id);
"""


class SqliteOutbox:
    """An `Outbox`, for a store to inherit."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pending(self, limit: int) -> list[Message]:
        query = "SELECT id, type, subject, body FROM outbox ORDER BY seq LIMIT ?"
        rows = await self._database.read(lambda db: db.execute(query, (limit,)).fetchall())
        return [Message(id=i, type=kind, subject=subject, body=body) for i, kind, subject, body in rows]

    async def clear(self, ids: Sequence[str]) -> None:
        rows = [(i,) for i in ids]
        await self._database.write(lambda db: db.executemany("DELETE FROM outbox WHERE id = ?", rows).rowcount)

    async def beat(self) -> None:
        """No other process has this file."""

    def _keep(self, db: sqlite3.Connection, messages: Iterable[Message]) -> None:
        """Save events in the transaction of the change that caused them."""
        keep(db, messages)


def keep(db: sqlite3.Connection, messages: Iterable[Message]) -> None:
    """Save events in the outbox of this file, in the transaction of the change that caused them."""
    rows = [(m.id, m.type, m.subject, m.body) for m in messages]
    db.executemany("INSERT INTO outbox (id, type, subject, body) VALUES (?,?,?,?)", rows)
