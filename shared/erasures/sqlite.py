"""Erasures in SQLite, in the file of what they go through."""

from shared.codec import Codec
from shared.erasures import Erasure
from shared.sqlite import Database

SCHEMA = "CREATE TABLE erasures (person TEXT PRIMARY KEY, begins_at REAL NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;"
ERASURES = Codec(Erasure)


class SqliteErasures:
    """`Erasures` on one SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, erasure: Erasure) -> None:
        put = "INSERT OR REPLACE INTO erasures (person, begins_at, body) VALUES (?,?,?)"
        row = (erasure.person, erasure.begins_at, ERASURES.text(erasure))
        await self._database.write(lambda db: db.execute(put, row).rowcount)

    async def all(self) -> list[Erasure]:
        query = "SELECT body FROM erasures ORDER BY begins_at"
        found = await self._database.read(lambda db: db.execute(query).fetchall())
        return [ERASURES.read_text(body) for (body,) in found]

    async def forget(self, person: str) -> None:
        await self._database.write(lambda db: db.execute("DELETE FROM erasures WHERE person = ?", (person,)).rowcount)
