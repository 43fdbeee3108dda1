"""Quotas in SQLite, in the file of the service that keeps to them."""

import orjson

from shared.quotas import Set
from shared.sqlite import Database

SCHEMA = "CREATE TABLE quotas (team TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;"


class SqliteQuotas:
    """A `QuotaStore` on one SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, team: str) -> Set:
        query = "SELECT body FROM quotas WHERE team = ?"
        row = await self._database.read(lambda db: db.execute(query, (team,)).fetchone())
        return {} if row is None else orjson.loads(row[0])

    async def put(self, team: str, quotas: Set) -> None:
        put, row = "INSERT OR REPLACE INTO quotas (team, body) VALUES (?,?)", (team, orjson.dumps(dict(quotas)))
        if not quotas:
            put, row = "DELETE FROM quotas WHERE team = ?", (team,)
        await self._database.write(lambda db: db.execute(put, row).rowcount)

    async def teams(self, *, after: str, limit: int) -> list[str]:
        query = "SELECT team FROM quotas WHERE team > ? ORDER BY team LIMIT ?"
        rows = await self._database.read(lambda db: db.execute(query, (after, limit)).fetchall())
        return [team for (team,) in rows]
