"""Quotas in SQLite, in the file of the service that keeps to them."""

import sqlite3
from collections.abc import Sequence

import orjson

from shared.events import Message
from shared.outbox.sqlite import keep
from shared.quotas import Set
from shared.sqlite import Database

SCHEMA = "CREATE TABLE quotas (team TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;"


class SqliteQuotas:
    """A `QuotaStore` on the SQLite file of a service, in whose outbox the events are."""

    outbox = None

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, team: str) -> Set:
        query = "SELECT body FROM quotas WHERE team = ?"
        row = await self._database.read(lambda db: db.execute(query, (team,)).fetchone())
        return {} if row is None else orjson.loads(row[0])

    async def put(self, team: str, quotas: Set, told: Sequence[Message] = ()) -> None:
        def put(db: sqlite3.Connection) -> None:
            if quotas:
                row = (team, orjson.dumps(dict(quotas)))
                db.execute("INSERT OR REPLACE INTO quotas (team, body) VALUES (?,?)", row)
            else:
                db.execute("DELETE FROM quotas WHERE team = ?", (team,))
            keep(db, told)

        await self._database.write(put)

    async def teams(self, *, after: str, limit: int) -> list[str]:
        query = "SELECT team FROM quotas WHERE team > ? ORDER BY team LIMIT ?"
        rows = await self._database.read(lambda db: db.execute(query, (after, limit)).fetchall())
        return [team for (team,) in rows]
