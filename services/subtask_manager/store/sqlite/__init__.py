"""Subtasks in SQLite. With one writer thread, a rule is called once, inside the transaction that saves its decision."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from cachetools import LRUCache, cached

from services.subtask_manager.activity import MAX_LOOKED_AT, Voted
from services.subtask_manager.announcements import SOURCE
from services.subtask_manager.refusals import TaskCancelled
from services.subtask_manager.row import Row, place_of
from services.subtask_manager.store import MAX_HELD, Announce, Backlog, Claim, Decide, Leased
from services.subtask_manager.store.codec import BRIEFS, BRIEFS_CACHED_BYTES, SUBTASKS, brief_bytes
from services.subtask_manager.store.sqlite.backlog import backlog
from services.subtask_manager.store.sqlite.claims import SqliteClaim
from services.subtask_manager.store.sqlite.invited import IS_FOR, keep_invited
from services.subtask_manager.store.sqlite.rows import SqliteRowClaim
from services.subtask_manager.store.sqlite.votes import forget_votes, keep_votes
from services.subtask_manager.store.sqlite.work import SqliteLook
from services.subtask_manager.subtask import Awaiting, Brief, Subtask
from services.subtask_manager.work import Work
from shared import events
from shared.clock import Clock
from shared.decision import Decision
from shared.errors import NotFound
from shared.flat import flattened, names_of
from shared.outbox.sqlite import SqliteOutbox
from shared.sqlite import Database

A = TypeVar("A")

_IMAGE = ", ".join(names_of(Awaiting))


class SqliteSubtaskStore(SqliteOutbox):
    """A `SubtaskStore` on one SQLite file."""

    def __init__(self, database: Database, clock: Clock, announce: Announce) -> None:
        super().__init__(database)
        self._clock = clock
        self._announce = announce
        briefs: LRUCache[Any, Brief] = LRUCache(BRIEFS_CACHED_BYTES, getsizeof=brief_bytes)
        self._decoded = cached(briefs, lock=threading.Lock())(BRIEFS.read_text)

    async def open(self, brief: Brief, decide: Callable[[float], Decision[Subtask, None]]) -> bool:
        def insert(db: sqlite3.Connection) -> bool:
            is_kept = self._keep_brief(db, brief)
            now = self._clock()
            decision = decide(now)
            subtask = decision.state
            if not is_kept or not self._insert(db, subtask):
                return False
            if subtask.state == "open":
                db.execute("UPDATE briefs SET open = open + 1 WHERE task_id = ?", (subtask.task_id,))
            self._keep_events(db, decision, brief, now)
            return True

        return await self._database.write(insert)

    async def keep_brief(self, brief: Brief) -> bool:
        def keep(db: sqlite3.Connection) -> bool:
            return self._keep_brief(db, brief) and self._brief(db, brief.task_id).revision == brief.revision

        return await self._database.write(keep)

    @property
    def stale_s(self) -> float:
        return 0.0

    async def open_ids(self, task_id: str, *, after: str, limit: int) -> list[str]:
        query = "SELECT id FROM subtasks WHERE task_id = ? AND id > ? AND state = 'open' ORDER BY id LIMIT ?"
        return await self._database.read(
            lambda db: [row[0] for row in db.execute(query, (task_id, after, limit)).fetchall()]
        )

    async def ids(self, *, after: str, limit: int) -> list[str]:
        query = "SELECT id FROM subtasks WHERE id > ? ORDER BY id LIMIT ?"
        return await self._database.read(lambda db: [row[0] for row in db.execute(query, (after, limit)).fetchall()])

    async def forget_operator(self, operator: str) -> None:
        def forget(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM walks WHERE operator = ?", (operator,))
            db.execute("DELETE FROM invited WHERE operator = ?", (operator,))
            db.execute("DELETE FROM rounds WHERE operator = ?1 OR operator LIKE '%/' || ?1", (operator,))

        await self._database.write(forget)

    async def remove(self, stub: Subtask) -> None:
        def put(db: sqlite3.Connection) -> None:
            if self._insert(db, stub):
                return
            before = SUBTASKS.read_text(db.execute("SELECT body FROM subtasks WHERE id = ?", (stub.id,)).fetchone()[0])
            if before.object_key == stub.object_key and before.state != "removed":
                self._write(db, before, stub)

        await self._database.write(put)

    async def brief(self, task_id: str, *, at_least: int = 1) -> Brief | None:
        query = "SELECT body, is_cancelled FROM briefs WHERE task_id = ?"
        row = await self._database.read(lambda db: db.execute(query, (task_id,)).fetchone())
        if row is not None and row[1]:
            raise TaskCancelled("the task was cancelled")
        brief = None if row is None else self._decoded(row[0])
        return None if brief is None or brief.revision < at_least else brief

    async def put_by(self, image: Awaiting) -> None:
        insert = f"INSERT OR IGNORE INTO awaiting ({_IMAGE}) VALUES (?,?,?,?,?,?,?,?)"  # noqa: S608 - ours
        row = tuple(flattened(image).values())
        await self._database.write(lambda db: db.execute(insert, row).rowcount)

    async def awaiting(self, task_id: str, limit: int, *, revision: int) -> list[Awaiting]:
        query = f"SELECT {_IMAGE} FROM awaiting WHERE task_id = ? AND revision <= ? LIMIT ?"  # noqa: S608 - ours
        rows = await self._database.read(lambda db: db.execute(query, (task_id, revision, limit)).fetchall())
        return [Awaiting(**dict(zip(names_of(Awaiting), row, strict=True))) for row in rows]

    async def forget_awaiting(self, subtask_ids: Sequence[str]) -> None:
        forget, rows = "DELETE FROM awaiting WHERE subtask_id = ?", [(one,) for one in subtask_ids]
        await self._database.write(lambda db: db.executemany(forget, rows).rowcount)

    async def find(self, subtask_id: str) -> tuple[Subtask, Brief]:
        return await self._database.read(lambda db: self._load(db, subtask_id))

    async def find_each(self, subtask_ids: Sequence[str]) -> list[tuple[Subtask, Brief]]:
        def find(db: sqlite3.Connection) -> list[tuple[Subtask, Brief]]:
            found: list[tuple[Subtask, Brief]] = []
            for subtask_id in subtask_ids:
                with contextlib.suppress(NotFound):
                    found.append(self._load(db, subtask_id))
            return found

        return await self._database.read(find)

    async def update(self, subtask_id: str, decide: Decide[A]) -> Decision[Subtask, A]:
        return await self._database.write(lambda db: self._update(db, subtask_id, decide))

    async def claim(self, team: str, operator: str, *, task_id: str | None, count: int, grant: Decide[bool]) -> Claim:
        def claim(db: sqlite3.Connection) -> Claim:
            now = self._clock()
            return SqliteClaim(
                db=db,
                team=team,
                operator=operator,
                task_id=task_id,
                count=count,
                now=now,
                load=partial(self._load, db),
                brief=partial(self._brief, db),
                grant=partial(self._grant, db, grant, now),
            ).run()

        return await self._database.write(claim)

    async def claim_row(
        self, team: str, operator: str, *, task_id: str, row: Row, count: int, grant: Decide[bool]
    ) -> Claim:
        def claim(db: sqlite3.Connection) -> Claim:
            now = self._clock()
            return SqliteRowClaim(
                db=db,
                team=team,
                operator=operator,
                task_id=task_id,
                row=row,
                now=now,
                load=partial(self._load, db),
                grant=partial(self._grant, db, grant, now),
            ).run(count)

        return await self._database.write(claim)

    async def work(self, team: str, operator: str) -> list[Work]:
        def look(db: sqlite3.Connection) -> list[Work]:
            load, brief = partial(self._load, db), partial(self._brief, db)
            look = SqliteLook(db=db, team=team, operator=operator, now=self._clock(), load=load, brief=brief)
            return look.run()

        return await self._database.read(look)

    async def voted(self, voter: str, *, since: float) -> list[Voted]:
        query = "SELECT at, subtask_id FROM votes_by_voter WHERE voter = ? AND at >= ? ORDER BY at DESC LIMIT ?"
        found = await self._database.read(lambda db: db.execute(query, (voter, since, MAX_LOOKED_AT)).fetchall())
        return [Voted(*row) for row in found]

    async def held(self, team: str, operator: str) -> list[tuple[Subtask, Brief]]:
        query = f"""SELECT subtasks.body, briefs.body FROM leases JOIN briefs USING (task_id)
                    JOIN subtasks ON subtasks.id = subtask_id
                    WHERE leases.operator = ? AND expires_at > ? AND briefs.team = ? AND NOT is_cancelled AND {IS_FOR}
                    LIMIT ?"""  # noqa: S608 - ours
        values = (operator, self._clock(), team, operator, MAX_HELD)
        found = await self._database.read(lambda db: db.execute(query, values).fetchall())
        return [(SUBTASKS.read_text(subtask), self._decoded(brief)) for subtask, brief in found]

    async def leased(self) -> Leased:
        query = """SELECT count(*) FILTER (WHERE until > ?1), count(*) FILTER (WHERE until <= ?1)
                   FROM (SELECT max(expires_at) AS until FROM leases GROUP BY subtask_id)"""
        now = self._clock()
        live, lapsed = await self._database.read(lambda db: db.execute(query, (now,)).fetchone())
        return Leased(live=live, lapsed=lapsed)

    async def backlog(self) -> Backlog:
        return await self._database.read(backlog)

    async def disputes(self, team: str, *, task_id: str | None, after: str, limit: int) -> list[tuple[Subtask, Brief]]:
        query = """SELECT subtasks.body, briefs.body FROM subtasks JOIN briefs USING (task_id)
                   WHERE awaits_adjudicator AND subtasks.team = ? AND id > ? AND (? IS NULL OR task_id = ?)
                   AND NOT is_cancelled ORDER BY id LIMIT ?"""
        return await self._database.read(
            lambda db: [
                (SUBTASKS.read_text(subtask), self._decoded(brief))
                for subtask, brief in db.execute(query, (team, after, task_id, task_id, limit))
            ]
        )

    async def count_disputes(self, team: str, limit: int) -> int:
        query = """SELECT count(*) FROM (
                       SELECT 1 FROM subtasks INDEXED BY disputed WHERE awaits_adjudicator AND team = ? LIMIT ?)"""
        return await self._database.read(lambda db: db.execute(query, (team, limit)).fetchone()[0])

    async def cancel(self, task_id: str) -> None:
        tombstone = """INSERT INTO briefs (task_id, created_at, is_cancelled) VALUES (?, 0, 1)
                       ON CONFLICT (task_id) DO UPDATE SET is_cancelled = 1"""
        await self._database.write(lambda db: db.execute(tombstone, (task_id,)).rowcount)

    async def purge(self, task_id: str, limit: int) -> int:
        def remove(db: sqlite3.Connection) -> int:
            rows = db.execute(
                """SELECT subtasks.body FROM subtasks JOIN briefs USING (task_id)
                   WHERE task_id = ? AND is_cancelled LIMIT ?""",
                (task_id, limit),
            ).fetchall()
            for subtask in (SUBTASKS.read_text(row[0]) for row in rows):
                db.executemany(
                    "DELETE FROM leases WHERE operator = ? AND subtask_id = ?",
                    [(lease.operator, subtask.id) for lease in subtask.leases],
                )
                forget_votes(db, subtask)
                db.execute("DELETE FROM subtasks WHERE id = ?", (subtask.id,))
            if len(rows) < limit:
                db.execute("UPDATE briefs SET open = 0, body = NULL WHERE task_id = ? AND is_cancelled", (task_id,))
                db.execute("DELETE FROM walks WHERE task_id = ?", (task_id,))
                db.execute("DELETE FROM awaiting WHERE task_id = ?", (task_id,))
            return len(rows)

        return await self._database.write(remove)

    async def forget_task(self, task_id: str) -> None:
        def forget(db: sqlite3.Connection) -> None:
            tombstone = "DELETE FROM briefs WHERE task_id = ? AND is_cancelled AND body IS NULL"
            if db.execute(tombstone, (task_id,)).rowcount:
                db.execute("DELETE FROM invited WHERE task_id = ?", (task_id,))

        await self._database.write(forget)

    def _keep_brief(self, db: sqlite3.Connection, brief: Brief) -> bool:
        """Whether the task has a brief now, this one or a newer one: False where it was cancelled."""
        query = "SELECT body, is_cancelled FROM briefs WHERE task_id = ?"
        row = db.execute(query, (brief.task_id,)).fetchone()
        if row is None:
            insert = "INSERT INTO briefs (task_id, team, created_at, body) VALUES (?,?,?,?)"
            db.execute(insert, (brief.task_id, brief.team, brief.created_at, BRIEFS.text(brief)))
            if brief.terms.operators is not None:
                keep_invited(db, brief)
        elif row[1]:
            return False
        elif self._decoded(row[0]).revision < brief.revision:
            db.execute("UPDATE briefs SET body = ? WHERE task_id = ?", (BRIEFS.text(brief), brief.task_id))
            keep_invited(db, brief)
        return True

    def _brief(self, db: sqlite3.Connection, task_id: str) -> Brief:
        return self._decoded(db.execute("SELECT body FROM briefs WHERE task_id = ?", (task_id,)).fetchone()[0])

    def _load(self, db: sqlite3.Connection, subtask_id: str) -> tuple[Subtask, Brief]:
        row = db.execute(
            """SELECT subtasks.body, briefs.body, is_cancelled FROM subtasks JOIN briefs USING (task_id)
               WHERE id = ? AND state != 'removed'""",
            (subtask_id,),
        ).fetchone()
        if row is None:
            raise NotFound("no such subtask")
        if row[2]:
            raise TaskCancelled("no such subtask: its task was cancelled")
        return SUBTASKS.read_text(row[0]), self._decoded(row[1])

    def _update(self, db: sqlite3.Connection, subtask_id: str, decide: Decide[A]) -> Decision[Subtask, A]:
        subtask, brief = self._load(db, subtask_id)
        now = self._clock()
        decision = decide(subtask, brief, now)
        self._save(db, subtask, decision, brief, now)
        return decision

    def _save(
        self, db: sqlite3.Connection, before: Subtask, decision: Decision[Subtask, A], brief: Brief, now: float
    ) -> None:
        if decision.state is not before:
            self._write(db, before, decision.state)
            self._keep_events(db, decision, brief, now)

    def _insert(self, db: sqlite3.Connection, subtask: Subtask) -> bool:
        """Save a new subtask; False where it is there already, unless it was removed with another object."""
        row = db.execute("SELECT state, body FROM subtasks WHERE id = ?", (subtask.id,)).fetchone()
        if row is not None and (row[0] != "removed" or SUBTASKS.read_text(row[1]).object_key == subtask.object_key):
            return False
        db.execute(
            """INSERT OR REPLACE INTO subtasks (id, task_id, team, slot, state, available_at, has_votes,
               awaits_adjudicator, body) VALUES (?,?,?,?,?,?,?,?,?)""",
            (
                subtask.id,
                subtask.task_id,
                subtask.team,
                subtask.slot,
                subtask.state,
                subtask.available_at,
                bool(subtask.votes),
                subtask.awaits_adjudicator,
                SUBTASKS.text(subtask),
            ),
        )
        return True

    def _write(self, db: sqlite3.Connection, before: Subtask, after: Subtask) -> None:
        db.execute(
            """UPDATE subtasks
               SET state = ?, slot = ?, available_at = ?, has_votes = ?, awaits_adjudicator = ?, body = ?
               WHERE id = ?""",
            (
                after.state,
                after.slot,
                after.available_at,
                bool(after.votes),
                after.awaits_adjudicator,
                SUBTASKS.text(after),
                after.id,
            ),
        )
        if before.state == "open" != after.state:
            close = "UPDATE briefs SET open = open - 1 WHERE task_id = ? RETURNING open"
            if db.execute(close, (after.task_id,)).fetchone() == (0,):
                db.execute("DELETE FROM walks WHERE task_id = ?", (after.task_id,))
        self._keep_leases(db, before, after)
        keep_votes(db, before, after)
        self._keep_place_in_row(db, before, after)

    def _keep_place_in_row(self, db: sqlite3.Connection, before: Subtask, after: Subtask) -> None:
        proposed = before.prelabel is after.prelabel and before.imported is after.imported
        if proposed and before.votes is after.votes and before.state == after.state:
            return  # a lease
        if (place := place_of(after)) != place_of(before):
            update = "UPDATE subtasks SET suggested = ?, rank = ? WHERE id = ?"
            db.execute(update, (*(place or (None, None)), after.id))

    def _keep_leases(self, db: sqlite3.Connection, before: Subtask, after: Subtask) -> None:
        if after.leases == before.leases:
            return
        operators = {lease.operator for lease in after.leases}
        for lease in before.leases:
            if lease.operator not in operators:
                db.execute("DELETE FROM leases WHERE operator = ? AND subtask_id = ?", (lease.operator, after.id))
        for lease in after.leases:
            if lease not in before.leases:
                row = (lease.operator, after.id, after.task_id, lease.expires_at)
                db.execute(
                    "INSERT OR REPLACE INTO leases (operator, subtask_id, task_id, expires_at) VALUES (?,?,?,?)", row
                )

    def _keep_events(self, db: sqlite3.Connection, decision: Decision[Subtask, A], brief: Brief, now: float) -> None:
        if decision.facts:
            self._keep(db, self._announce(decision.state, brief, decision.facts, now))
        if decision.noted:
            self._keep(db, events.notes(decision.state.id, SOURCE, decision.noted))

    def _grant(
        self, db: sqlite3.Connection, grant: Decide[bool], now: float, subtask_id: str
    ) -> tuple[Subtask, Brief] | None:
        subtask, brief = self._load(db, subtask_id)
        decision = grant(subtask, brief, now)
        if not decision.answer:
            return None
        self._save(db, subtask, decision, brief, now)
        return decision.state, brief
