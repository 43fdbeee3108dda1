"""Rows and runs in SQLite. The writer thread is alone, so a rule is asked once, inside the transaction that saves
it."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from services.consensus.row import KnownTask, Row
from services.consensus.run import Kind, Run, released
from services.consensus.store import ChangeRow, ChangeRun, ChangeTask, PageKey
from services.consensus.store.codec import (
    LAST,
    REMOVED_AT_ONCE,
    ROWS,
    RUNS,
    SOURCE,
    TASKS,
    asked,
    change_of,
    page_id,
    page_key,
    place_of,
)
from shared import events
from shared.audit import AuditEntry
from shared.clock import Clock
from shared.errors import NotFound
from shared.outbox.sqlite import SqliteOutbox
from shared.sqlite import Database


class SqliteConsensusStore(SqliteOutbox):
    """A `ConsensusStore` on one SQLite file."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database)
        self._clock = clock

    async def release(self) -> None:
        """One process owns the file: what the last one was making begins anew at once."""

        def release(db: sqlite3.Connection) -> None:
            found = db.execute("SELECT body FROM runs WHERE NOT is_over AND due_at IS NOT NULL").fetchall()
            for (body,) in found:
                _save_run(db, released(RUNS.read_text(body), self._clock()))

        await self._database.write(release)

    async def task(self, task_id: str) -> KnownTask:
        rows = await self._rows("SELECT body FROM tasks WHERE id = ?", task_id)
        if not rows:
            raise NotFound("no such task")
        return TASKS.read_text(rows[0][0])

    async def change_task(self, task_id: str, change: ChangeTask) -> KnownTask:
        def update(db: sqlite3.Connection) -> KnownTask:
            found = db.execute("SELECT body FROM tasks WHERE id = ?", (task_id,)).fetchone()
            before = None if found is None else TASKS.read_text(found[0])
            after = change(before)
            if after is not before:
                db.execute("INSERT OR REPLACE INTO tasks (id, body) VALUES (?,?)", (task_id, TASKS.text(after)))
            return after

        return await self._database.write(update)

    async def forget_task(self, task_id: str) -> None:
        def forget(db: sqlite3.Connection) -> None:
            found = db.execute("SELECT body FROM tasks WHERE id = ?", (task_id,)).fetchone()
            if found is not None and TASKS.read_text(found[0]).state == "erased":
                db.execute("DELETE FROM tasks WHERE id = ?", (task_id,))

        await self._database.write(forget)

    async def row(self, image_id: str) -> Row:
        rows = await self._rows("SELECT body FROM rows WHERE id = ?", image_id)
        if not rows:
            raise NotFound("no such image")
        return ROWS.read_text(rows[0][0])

    async def change_row(self, image_id: str, change: ChangeRow) -> Row | None:
        put = "INSERT OR REPLACE INTO rows (id, task_id, team, place, change, body) VALUES (?,?,?,?,?,?)"

        def update(db: sqlite3.Connection) -> Row | None:
            found = db.execute("SELECT body FROM rows WHERE id = ?", (image_id,)).fetchone()
            before = None if found is None else ROWS.read_text(found[0])
            after = change(before)
            if after is not None and after is not before:
                place = place_of(after) if after.is_there else None
                keys = (image_id, after.task_id, after.team, place, change_of(after))
                db.execute(put, (*keys, ROWS.text(after)))
            return after

        return await self._database.write(update)

    async def remove_rows(self, task_id: str, limit: int) -> int:
        remove = "DELETE FROM rows WHERE id IN (SELECT id FROM rows WHERE task_id = ? LIMIT ?)"
        return await self._database.write(lambda db: db.execute(remove, (task_id, limit)).rowcount)

    async def rows(self, task_id: str, *, after: str, limit: int) -> list[Row]:
        query = "SELECT body FROM rows WHERE task_id = ? AND id > ? AND place IS NOT NULL ORDER BY id LIMIT ?"
        return _read_rows(await self._rows(query, task_id, after, limit))

    async def rows_of_team(self, team: str, *, before: str, limit: int) -> list[Row]:
        query = "SELECT body FROM rows WHERE team = ? AND place < ? AND place IS NOT NULL ORDER BY place DESC LIMIT ?"
        return _read_rows(await self._rows(query, team, before or LAST, limit))

    async def every_row(self, *, after: str, limit: int) -> list[Row]:
        query = "SELECT body FROM rows WHERE id > ? ORDER BY id LIMIT ?"
        return _read_rows(await self._rows(query, after, limit))

    async def last_change(self, task_id: str) -> str:
        return (await self._rows("SELECT max(change) FROM rows WHERE task_id = ?", task_id))[0][0] or ""

    async def last_change_of_team(self, team: str) -> str:
        return (await self._rows("SELECT max(change) FROM rows WHERE team = ?", team))[0][0] or ""

    async def add_run(self, run: Run, *, noted: Sequence[AuditEntry] = ()) -> bool:
        def insert(db: sqlite3.Connection) -> bool:
            if db.execute("SELECT 1 FROM runs WHERE id = ?", (run.id,)).fetchone():
                return False
            _save_run(db, run)
            self._keep(db, events.notes(run.id, SOURCE, noted))
            return True

        return await self._database.write(insert)

    async def run(self, run_id: str) -> Run:
        return await self._database.read(lambda db: _run(db, run_id))

    async def change_run(self, run_id: str, change: ChangeRun, *, noted: Sequence[AuditEntry] = ()) -> Run:
        def update(db: sqlite3.Connection) -> Run:
            before = _run(db, run_id)
            after, messages = change(before, self._clock())
            if after is not before:
                _save_run(db, after)
                self._keep(db, [*messages, *events.notes(run_id, SOURCE, noted)])
            return after

        return await self._database.write(update)

    async def is_told(self, run_id: str) -> bool:
        query = "SELECT 1 FROM outbox WHERE id > ? AND id < ? LIMIT 1"
        return not await self._rows(query, f"{run_id}/", f"{run_id}/{LAST}")

    async def runs(self, team: str, kind: Kind, *, task_id: str, limit: int) -> list[Run]:
        query = "SELECT body FROM runs WHERE team = ? AND kind = ? AND task_id = ? ORDER BY asked DESC LIMIT ?"
        return _read_runs(await self._rows(query, team, kind, task_id, limit))

    async def under_way(self, team: str, limit: int) -> int:
        query = "SELECT count(*) FROM (SELECT 1 FROM runs WHERE team = ? AND NOT is_over LIMIT ?)"
        return (await self._rows(query, team, limit))[0][0]

    async def due(self, *, now: float, limit: int) -> list[Run]:
        query = "SELECT body FROM runs WHERE due_at <= ? ORDER BY due_at LIMIT ?"
        return _read_runs(await self._rows(query, now, limit))

    async def every_run(self, *, after: str, limit: int) -> list[Run]:
        return _read_runs(await self._rows("SELECT body FROM runs WHERE id > ? ORDER BY id LIMIT ?", after, limit))

    async def remove_run(self, run_id: str) -> bool:
        """Its events are in a table of their own, and stay."""
        await self.remove_pages(run_id, but=None)
        await self._database.write(lambda db: db.execute("DELETE FROM runs WHERE id = ?", (run_id,)).rowcount)
        return True

    async def put_page(self, key: PageKey, body: bytes) -> None:
        put = "INSERT OR REPLACE INTO pages (id, run_id, body) VALUES (?,?,?)"
        await self._database.write(lambda db: db.execute(put, (page_id(key), key.run_id, body)).rowcount)

    async def page(self, key: PageKey) -> bytes | None:
        rows = await self._rows("SELECT body FROM pages WHERE id = ?", page_id(key))
        return rows[0][0] if rows else None

    async def pages(self, run_id: str) -> list[PageKey]:
        rows = await self._rows("SELECT id FROM pages WHERE run_id = ? ORDER BY id", run_id)
        return [page_key(one) for (one,) in rows]

    async def remove_pages(self, run_id: str, *, but: str | None) -> None:
        own = f"{run_id}/{but}/"
        remove = """DELETE FROM pages WHERE id IN (
                        SELECT id FROM pages WHERE run_id = ? AND substr(id, 1, ?) != ? LIMIT ?)"""
        values = (run_id, len(own), own, REMOVED_AT_ONCE)
        while await self._database.write(lambda db: db.execute(remove, values).rowcount) == REMOVED_AT_ONCE:
            pass

    async def _rows(self, query: str, *values: object) -> list[Any]:
        return await self._database.read(lambda db: db.execute(query, values).fetchall())


def _run(db: sqlite3.Connection, run_id: str) -> Run:
    row = db.execute("SELECT body FROM runs WHERE id = ?", (run_id,)).fetchone()
    if row is None:
        raise NotFound("no such run")
    return RUNS.read_text(row[0])


def _save_run(db: sqlite3.Connection, run: Run) -> None:
    put = """INSERT OR REPLACE INTO runs (id, team, kind, task_id, asked, due_at, is_over, body)
             VALUES (?,?,?,?,?,?,?,?)"""
    keys = (run.id, run.team, run.kind, run.task_id, asked(run), run.due_at, run.is_over)
    db.execute(put, (*keys, RUNS.text(run)))


def _read_rows(rows: list[Any]) -> list[Row]:
    return [ROWS.read_text(body) for (body,) in rows]


def _read_runs(rows: list[Any]) -> list[Run]:
    return [RUNS.read_text(body) for (body,) in rows]
