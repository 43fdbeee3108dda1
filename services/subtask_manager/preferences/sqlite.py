"""Preferences in SQLite, in the file of the subtasks."""

from services.subtask_manager.preferences import Preferences
from shared.sqlite import Database

SCHEMA = """
CREATE TABLE preferences (user TEXT PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
"""


class SqlitePreferences:
    """A `PreferencesStore` on one SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, user: str) -> Preferences:
        query = "SELECT version, body FROM preferences WHERE user = ?"
        row = await self._database.read(lambda db: db.execute(query, (user,)).fetchone())
        return Preferences() if row is None else Preferences(version=row[0], body=row[1])

    async def save(self, user: str, preferences: Preferences) -> bool:
        put = """INSERT INTO preferences (user, version, body) VALUES (?,?,?)
                 ON CONFLICT (user) DO UPDATE SET version = excluded.version, body = excluded.body
                 WHERE version = excluded.version - 1"""
        row = (user, preferences.version, preferences.body)
        return await self._database.write(lambda db: db.execute(put, row).rowcount) == 1

    async def forget(self, user: str) -> None:
        await self._database.write(lambda db: db.execute("DELETE FROM preferences WHERE user = ?", (user,)).rowcount)
