"""The bus of the embedded profile: durable queues in one SQLite file, for one process."""

import asyncio
import contextlib
import json
import logging
import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from shared import crash_points
from shared.bus import DeadLetter, Handler
from shared.clock import Clock
from shared.errors import Malformed, NotFound, StorageFull, Unavailable
from shared.events import Message, parse
from shared.routing import Topology, all_queues
from shared.sqlite import Database
from shared.sqlite.migrations import statements
from shared.telemetry import trace
from shared.telemetry.trouble import Trouble

log = logging.getLogger(__name__)

_FIRST = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    body BLOB NOT NULL,
    deliveries INTEGER NOT NULL DEFAULT 0,
    ready_at REAL NOT NULL DEFAULT 0,      -- claimed while it is CLAIMED
    expires_at REAL                        -- only in queues whose consumer may be absent
);
CREATE INDEX IF NOT EXISTS ready ON messages (queue, ready_at, id);
CREATE INDEX IF NOT EXISTS expiring ON messages (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS dead (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL, event_id TEXT NOT NULL, type TEXT NOT NULL, subject TEXT NOT NULL, body BLOB NOT NULL,
    reason TEXT NOT NULL, died_at REAL NOT NULL
);
"""
STEPS = (statements(_FIRST),)
CLAIMED = 1e18
STEPS_OPENED = "step.opened.%"
KILLED = "the platform died with it at each delivery"
GATHER_S = 0.025
"""The least time between two writes of one consumer, so that under load many messages share a write."""
LOOK_S = 0.005
"""Between looks whether messages have been handled."""
MAX_RETRY_S = 30.0
MAX_PAUSE_S = 10.0


_Row = tuple[str, str, str, str, bytes, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delivery:
    id: int
    type: str
    body: bytes
    deliveries: int


@dataclass(slots=True)
class _Settled:
    """Deliveries that ended since the last write: to delete, to try again at a time, to dead-letter with a reason."""

    done: list[tuple[int]] = field(default_factory=list[tuple[int]])
    retry: list[tuple[float, int, int]] = field(default_factory=list[tuple[float, int, int]])
    dead: list[tuple[str, float, int]] = field(default_factory=list[tuple[str, float, int]])

    def save(self, db: sqlite3.Connection) -> None:
        dead_letter = """INSERT INTO dead (queue, event_id, type, subject, body, reason, died_at)
                         SELECT queue, event_id, type, subject, body, ?, ? FROM messages WHERE id = ?"""
        db.executemany("UPDATE messages SET ready_at = ?, deliveries = ? WHERE id = ?", self.retry)
        db.executemany(dead_letter, self.dead)
        db.executemany("DELETE FROM messages WHERE id = ?", self.done + [(row[2],) for row in self.dead])

    def __bool__(self) -> bool:
        return bool(self.done or self.retry or self.dead)


class SqliteBus:
    """Queues in SQLite. One process owns the file; what it had claimed when it died is delivered again."""

    def __init__(self, path: Path, clock: Clock, *, delivery_limit: int = 10, optional_ttl_s: float = 600.0) -> None:
        self.database = Database(path, STEPS)
        self.is_ready = self.database.is_ready
        self._clock = clock
        self._delivery_limit = delivery_limit
        self._optional_ttl_s = optional_ttl_s
        self._consumers: dict[str, _Consumer] = {}
        self._listeners: list[Callable[[bytes], None]] = []

    async def open(self) -> None:
        """Open the file and requeue what the last process had claimed. Its death does not count against a message, but
        it does against the step of a pipeline, whose picture may have taken all memory: that becomes a dead letter in
        the end."""
        self.database.open()
        await self.database.write(self._requeue)

    async def publish(self, messages: Sequence[Message]) -> None:
        rows = self._rows(messages)
        await self.database.write(lambda db: self._insert(db, rows))
        self._wake({row[0] for row in rows})

    def consume(self, queue: str, handler: Handler, *, prefetch: int) -> None:
        self._consumers[queue] = _Consumer(self.database, self._clock, queue, handler, prefetch, self._delivery_limit)

    async def depths(self) -> dict[str, int]:
        count = "SELECT count(*) FROM messages WHERE queue = ?"
        return await self.database.read(
            lambda db: {queue: db.execute(count, (queue,)).fetchone()[0] for queue in self._consumers}
        )

    async def oldest(self) -> dict[str, float]:
        bodies = await self.database.read(partial(_oldest, tuple(self._consumers)))
        made_at: dict[str, float] = {}
        for queue, body in bodies.items():
            with contextlib.suppress(Malformed):  # it is a dead letter with its delivery
                made_at[queue] = parse(body).time.timestamp()
        return made_at

    async def settle(self, queues: Collection[str]) -> None:
        newest = await self.database.read(_newest)
        for queue in queues:
            while await self.database.read(partial(_has_older, queue, newest)):  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(LOOK_S)

    async def dead_counts(self) -> dict[str, int]:
        counted = "SELECT queue, count(*) FROM dead GROUP BY queue"
        found = await self.database.read(lambda db: dict(db.execute(counted).fetchall()))
        return dict.fromkeys(all_queues(), 0) | found

    async def dead_letters(self, limit: int, queues: Collection[str] | None = None) -> list[DeadLetter]:
        wanted = None if queues is None else json.dumps(list(queues))
        query = f"{_DEAD} FROM dead WHERE {_OF_QUEUES} ORDER BY id LIMIT ?2"
        rows = await self.database.read(lambda db: db.execute(query, (wanted, limit)).fetchall())
        return [_dead_letter(row) for row in rows]

    async def dead_letter(self, letter_id: str) -> tuple[DeadLetter, bytes]:
        query = f"{_DEAD}, body FROM dead WHERE CAST(id AS TEXT) = ?"
        row = await self.database.read(lambda db: db.execute(query, (letter_id,)).fetchone())
        if row is None:
            raise NotFound("no such dead letter")
        return _dead_letter(row), row[6]

    async def discard(self, letter_id: str, told: Sequence[Message] = ()) -> None:
        rows = self._rows(told)

        def discard(db: sqlite3.Connection) -> None:
            if not db.execute("DELETE FROM dead WHERE CAST(id AS TEXT) = ?", (letter_id,)).rowcount:
                raise NotFound("no such dead letter")
            self._insert(db, rows)

        await self.database.write(discard)
        self._wake({row[0] for row in rows})

    async def replay(self, ids: Sequence[str] | None, told: Sequence[Message] = ()) -> int:
        rows = self._rows(told)

        def replay(db: sqlite3.Connection) -> list[str]:
            queues = _replay(db, ids)
            self._insert(db, rows)
            return queues

        queues = await self.database.write(replay)
        self._wake({*queues, *(row[0] for row in rows)})
        return len(queues)

    async def broadcast(self, body: bytes) -> None:
        for listener in self._listeners:
            listener(body)

    def listen(self, listener: Callable[[bytes], None]) -> None:
        self._listeners.append(listener)

    async def drain(self) -> None:
        await asyncio.gather(*(consumer.close() for consumer in self._consumers.values()))

    async def close(self) -> None:
        await self.drain()
        await self.database.close()

    def _requeue(self, db: sqlite3.Connection) -> None:
        worn = "SELECT id FROM messages WHERE ready_at = ? AND type LIKE ? AND deliveries >= ?"
        ids = db.execute(worn, (CLAIMED, STEPS_OPENED, self._delivery_limit)).fetchall()
        _Settled(dead=[(KILLED, self._clock(), row[0]) for row in ids]).save(db)
        requeue = "UPDATE messages SET ready_at = 0, deliveries = deliveries - (type NOT LIKE ?) WHERE ready_at = ?"
        db.execute(requeue, (STEPS_OPENED, CLAIMED))

    def _rows(self, messages: Sequence[Message]) -> list[_Row]:
        """Messages as rows of their queues."""
        expires_at = self._clock() + self._optional_ttl_s
        return [
            (queue, m.id, m.type, m.subject, m.body, expires_at if is_optional else None)
            for m in messages
            for queue, is_optional in Topology.queues(m.type)
        ]

    def _insert(self, db: sqlite3.Connection, rows: Sequence[_Row]) -> None:
        db.execute("DELETE FROM messages WHERE expires_at < ? AND ready_at < ?", (self._clock(), CLAIMED))
        db.executemany(
            "INSERT INTO messages (queue, event_id, type, subject, body, expires_at) VALUES (?,?,?,?,?,?)", rows
        )

    def _wake(self, queues: set[str]) -> None:
        for queue in queues & self._consumers.keys():
            self._consumers[queue].woken.set()


_DEAD = "SELECT CAST(id AS TEXT), queue, type, subject, reason, died_at"
_OF_QUEUES = "(?1 IS NULL OR queue IN (SELECT value FROM json_each(?1)))"


def _dead_letter(row: Sequence[Any]) -> DeadLetter:
    letter_id, queue, kind, subject, reason, died_at = row[:6]
    return DeadLetter(id=letter_id, queue=queue, type=kind, subject=subject, reason=reason, died_at=died_at)


def _newest(db: sqlite3.Connection) -> int:
    return db.execute("SELECT coalesce(max(id), 0) FROM messages").fetchone()[0]


def _has_older(queue: str, newest: int, db: sqlite3.Connection) -> bool:
    query = "SELECT 1 FROM messages WHERE queue = ? AND id <= ? LIMIT 1"
    return db.execute(query, (queue, newest)).fetchone() is not None


def _oldest(queues: Sequence[str], db: sqlite3.Connection) -> dict[str, bytes]:
    """The message of each queue that came first."""
    first = "SELECT body FROM messages WHERE id = (SELECT min(id) FROM messages WHERE queue = ?)"
    found = {queue: db.execute(first, (queue,)).fetchone() for queue in queues}
    return {queue: row[0] for queue, row in found.items() if row is not None}


def _replay(db: sqlite3.Connection, ids: Sequence[str] | None) -> list[str]:
    """Move dead letters back into their queues; returns those. Unknown ids are ignored."""
    if ids is None:
        rows = db.execute("SELECT id, queue FROM dead").fetchall()
    else:
        known = [db.execute("SELECT id, queue FROM dead WHERE CAST(id AS TEXT) = ?", (i,)).fetchone() for i in ids]
        rows = [row for row in known if row is not None]
    copy = """INSERT INTO messages (queue, event_id, type, subject, body)
              SELECT queue, event_id, type, subject, body FROM dead WHERE id = ?"""
    db.executemany(copy, [(row[0],) for row in rows])
    db.executemany("DELETE FROM dead WHERE id = ?", [(row[0],) for row in rows])
    return [row[1] for row in rows]


class _Consumer:
    """Consumes one queue: settles finished deliveries and claims new ones, in one write at a time."""

    def __init__(
        self, database: Database, clock: Clock, queue: str, handler: Handler, prefetch: int, delivery_limit: int
    ) -> None:
        self._database = database
        self._clock = clock
        self._queue = queue
        self._handler = handler
        self._prefetch = prefetch
        self._delivery_limit = delivery_limit
        self._settled = _Settled()
        self._running: set[asyncio.Task[None]] = set()
        self._paused_until = 0.0
        self._pause_s = 0.0
        self._is_closing = False
        self._writing = Trouble(log, f"{queue} cannot be consumed, and waits")
        self.woken = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=f"consume {queue}")

    async def close(self) -> None:
        self._is_closing = True
        self.woken.set()
        await self._task

    async def _run(self) -> None:
        while True:
            self.woken.clear()
            wake_at = await self._turn()
            if self._is_closing and not self._running and not self._settled:
                return
            await asyncio.sleep(GATHER_S)
            wait_s = None if wake_at is None else max(0.0, wake_at - self._clock())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.woken.wait(), wait_s)

    async def _turn(self) -> float | None:
        """Settle and claim in one write; returns when to do so again without being woken (None: never)."""
        settled, self._settled = self._settled, _Settled()
        now = self._clock()
        is_paused = now < self._paused_until
        room = 0 if self._is_closing or is_paused else self._prefetch - len(self._running)
        if not settled and not room:
            return self._paused_until if is_paused and not self._is_closing else None
        turn: tuple[list[_Delivery], float | None] | None = None
        with self._writing:  # no error may end the consumer
            turn = await self._database.write(lambda db: self._settle_and_claim(db, settled, room, now))
        if turn is None:
            if self._is_closing:
                return None  # what is not settled is delivered again to the next process
            self._settled.done += settled.done
            self._settled.retry += settled.retry
            self._settled.dead += settled.dead
            return now + 1.0
        claimed, next_at = turn
        for delivery in claimed:
            task = asyncio.create_task(self._deliver(delivery))
            self._running.add(task)
            task.add_done_callback(self._finished)
        return self._paused_until if is_paused else next_at

    def _settle_and_claim(
        self, db: sqlite3.Connection, settled: _Settled, room: int, now: float
    ) -> tuple[list[_Delivery], float | None]:
        settled.save(db)
        rows = db.execute(
            """UPDATE messages SET ready_at = ?, deliveries = deliveries + 1 WHERE id IN (
                   SELECT id FROM messages WHERE queue = ? AND ready_at <= ?
                   AND (expires_at IS NULL OR expires_at >= ?) ORDER BY ready_at, id LIMIT ?)
               RETURNING id, type, body, deliveries""",
            (CLAIMED, self._queue, now, now, room),
        ).fetchall()
        next_at = db.execute(
            "SELECT min(ready_at) FROM messages WHERE queue = ? AND ready_at > ? AND ready_at < ?",
            (self._queue, now, CLAIMED),
        ).fetchone()[0]
        return [_Delivery(id=i, type=kind, body=body, deliveries=n) for i, kind, body, n in rows], next_at

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self.woken.set()

    async def _deliver(self, delivery: _Delivery) -> None:
        now = self._clock
        try:
            event = parse(delivery.body)
            trace.enter(event.traceparent, event=event.id, subject=event.subject)
            crash_points.reached("consumer.before_handler")
            await self._handler(event)
            crash_points.reached("consumer.after_handler")
        except Malformed as error:
            self._settled.dead.append((error.detail, now(), delivery.id))
        except (Unavailable, StorageFull) as error:
            self._pause_s = min(MAX_PAUSE_S, max(0.1, self._pause_s * 2))
            self._paused_until = now() + self._pause_s
            log.warning("%s pauses for %.1f s: %s", self._queue, self._pause_s, error.detail)
            self._settled.retry.append((self._paused_until, delivery.deliveries - 1, delivery.id))
        except Exception as error:
            log.exception("%s: delivery %d of a message failed", self._queue, delivery.deliveries)
            if delivery.deliveries >= self._delivery_limit:
                self._settled.dead.append((f"{type(error).__name__}: {error}", now(), delivery.id))
            else:
                retry_at = now() + min(MAX_RETRY_S, 0.1 * 2**delivery.deliveries)
                self._settled.retry.append((retry_at, delivery.deliveries, delivery.id))
        else:
            self._pause_s = 0.0
            self._settled.done.append((delivery.id,))
