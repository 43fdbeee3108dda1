"""Imports in SQLite, in the file of the task manager. The writer thread is alone, so a rule is asked once, inside the
transaction that saves it."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from services.task_manager.imports.rules import Import, released
from services.task_manager.imports.store import ChangeImport, PageKey
from services.task_manager.imports.store.codec import IMPORTS, REMOVED_AT_ONCE, asked, page_id, part_of
from shared.clock import Clock
from shared.errors import NotFound
from shared.sqlite import Database

SCHEMA = """
CREATE TABLE imports (
    id TEXT PRIMARY KEY,
    task_id TEXT NOT NULL,
    asked TEXT NOT NULL,            -- sorts by the time at which it was asked for
    due_at REAL,                    -- none, once it is over
    body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX imports_of_task ON imports (task_id, asked);
CREATE INDEX imports_under_way ON imports (task_id) WHERE due_at IS NOT NULL;
CREATE INDEX imports_due ON imports (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE import_pages (id TEXT PRIMARY KEY, task_id TEXT NOT NULL, body BLOB NOT NULL);
CREATE INDEX import_pages_of_task ON import_pages (task_id);
"""


class SqliteImports:
    """An `ImportStore` on the SQLite file of the task manager."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def release(self) -> None:
        """One process owns the file: what the last one was working on is due at once."""

        def release(db: sqlite3.Connection) -> None:
            for (body,) in db.execute("SELECT body FROM imports WHERE due_at IS NOT NULL").fetchall():
                _save(db, released(IMPORTS.read_text(body), self._clock()))

        await self._database.write(release)

    async def add(self, new: Import) -> bool:
        def insert(db: sqlite3.Connection) -> bool:
            if db.execute("SELECT 1 FROM imports WHERE id = ?", (new.id,)).fetchone():
                return False
            _save(db, new)
            return True

        return await self._database.write(insert)

    async def find(self, import_id: str) -> Import:
        return await self._database.read(lambda db: _find(db, import_id))

    async def change(self, import_id: str, change: ChangeImport) -> Import:
        def update(db: sqlite3.Connection) -> Import:
            before = _find(db, import_id)
            after = change(before, self._clock())
            if after is not before:
                _save(db, after)
            return after

        return await self._database.write(update)

    async def of_task(self, task_id: str, limit: int) -> list[Import]:
        query = "SELECT body FROM imports WHERE task_id = ? ORDER BY asked DESC LIMIT ?"
        return _read(await self._rows(query, task_id, limit))

    async def is_under_way(self, task_id: str) -> bool:
        query = "SELECT 1 FROM imports WHERE task_id = ? AND due_at IS NOT NULL LIMIT 1"
        return bool(await self._rows(query, task_id))

    async def due(self, *, now: float, limit: int) -> list[Import]:
        return _read(await self._rows("SELECT body FROM imports WHERE due_at <= ? ORDER BY due_at LIMIT ?", now, limit))

    async def put_page(self, key: PageKey, task_id: str, body: bytes) -> None:
        def put(db: sqlite3.Connection) -> None:
            _find(db, key.import_id)
            insert = "INSERT OR REPLACE INTO import_pages (id, task_id, body) VALUES (?,?,?)"
            db.execute(insert, (page_id(key), task_id, body))

        await self._database.write(put)

    async def pages(self, import_id: str, round_: int, *, first: int, limit: int) -> Sequence[tuple[int, bytes]]:
        query = "SELECT id, body FROM import_pages WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"
        begin = page_id(PageKey(import_id=import_id, round=round_, part=first))
        end = page_id(PageKey(import_id=import_id, round=round_ + 1, part=0))
        return [(part_of(page), body) for page, body in await self._rows(query, begin, end, limit)]

    async def remove_pages(self, import_id: str, *, before_round: int) -> None:
        end = page_id(PageKey(import_id=import_id, round=before_round, part=0))
        await self._remove("SELECT id FROM import_pages WHERE id >= ? AND id < ? LIMIT ?", f"{import_id}/", end)

    async def remove_of(self, task_id: str) -> None:
        """The imports first: without its import no page is added."""
        await self._database.write(lambda db: db.execute("DELETE FROM imports WHERE task_id = ?", (task_id,)).rowcount)
        await self._remove("SELECT id FROM import_pages WHERE task_id = ? LIMIT ?", task_id)

    async def _remove(self, pages: str, *values: object) -> None:
        remove = f"DELETE FROM import_pages WHERE id IN ({pages})"  # noqa: S608 - ours
        given = (*values, REMOVED_AT_ONCE)
        while await self._database.write(lambda db: db.execute(remove, given).rowcount) == REMOVED_AT_ONCE:
            pass

    async def _rows(self, query: str, *values: object) -> list[Any]:
        return await self._database.read(lambda db: db.execute(query, values).fetchall())


def _find(db: sqlite3.Connection, import_id: str) -> Import:
    row = db.execute("SELECT body FROM imports WHERE id = ?", (import_id,)).fetchone()
    if row is None:
        raise NotFound("no such import")
    return IMPORTS.read_text(row[0])


def _save(db: sqlite3.Connection, one: Import) -> None:
    put = "INSERT OR REPLACE INTO imports (id, task_id, asked, due_at, body) VALUES (?,?,?,?,?)"
    db.execute(put, (one.id, one.task_id, asked(one), one.due_at, IMPORTS.text(one)))


def _read(rows: list[Any]) -> list[Import]:
    return [IMPORTS.read_text(body) for (body,) in rows]
