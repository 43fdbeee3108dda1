"""Webhooks and deliveries in SQLite. The writer thread is alone, so a rule is asked once, inside the transaction that
saves it."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from services.notifier.delivery import Delivery, DeliveryState, released
from services.notifier.domain import Webhook
from services.notifier.store import ChangeDelivery, ChangeWebhook
from services.notifier.store.codec import COUNTED, DELIVERIES, LAST, SOURCE, WEBHOOKS, key_of
from shared import events
from shared.audit import AuditEntry
from shared.clock import Clock
from shared.errors import NotFound
from shared.outbox.sqlite import SqliteOutbox
from shared.sqlite import Database

_BUSY = """
WITH RECURSIVE line(webhook) AS (
    SELECT min(webhook) FROM deliveries WHERE due_at IS NOT NULL AND webhook > :after
    UNION ALL
    SELECT (SELECT min(webhook) FROM deliveries WHERE due_at IS NOT NULL AND webhook > line.webhook)
    FROM line WHERE line.webhook IS NOT NULL
)
SELECT webhook FROM line WHERE webhook IS NOT NULL
    AND EXISTS (SELECT 1 FROM deliveries d WHERE d.webhook = line.webhook AND d.due_at <= :now) LIMIT :limit
"""
"""From one webhook to the next by index, past all deliveries of each."""


class SqliteNotifierStore(SqliteOutbox):
    """A `NotifierStore` on one SQLite file."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database)
        self._clock = clock

    async def release(self) -> None:
        """One process owns the file: what the last one was trying is due."""

        def release(db: sqlite3.Connection) -> None:
            for (body,) in db.execute("SELECT body FROM deliveries WHERE is_held").fetchall():
                self._save(db, released(DELIVERIES.read_text(body), self._clock()))

        await self._database.write(release)

    async def add_webhook(self, webhook: Webhook, *, noted: Sequence[AuditEntry] = ()) -> None:
        def insert(db: sqlite3.Connection) -> None:
            row = (webhook.id, webhook.team, WEBHOOKS.text(webhook))
            db.execute("INSERT INTO webhooks (id, team, body) VALUES (?,?,?)", row)
            self._note(db, webhook.id, noted)

        await self._database.write(insert)

    async def webhook(self, webhook_id: str) -> Webhook:
        return await self._database.read(lambda db: _webhook(db, webhook_id))

    async def webhooks(self, team: str) -> list[Webhook]:
        rows = await self._rows("SELECT body FROM webhooks WHERE team = ? ORDER BY id", team)
        return [WEBHOOKS.read_text(body) for (body,) in rows]

    async def change_webhook(
        self, webhook_id: str, change: ChangeWebhook, *, noted: Sequence[AuditEntry] = ()
    ) -> Webhook:
        def update(db: sqlite3.Connection) -> Webhook:
            before = _webhook(db, webhook_id)
            after = change(before, self._clock())
            if after is not before:
                db.execute("UPDATE webhooks SET body = ? WHERE id = ?", (WEBHOOKS.text(after), webhook_id))
                self._note(db, webhook_id, noted)
            return after

        return await self._database.write(update)

    async def remove_webhook(self, webhook_id: str, *, noted: Sequence[AuditEntry] = ()) -> None:
        def remove(db: sqlite3.Connection) -> None:
            if db.execute("DELETE FROM webhooks WHERE id = ?", (webhook_id,)).rowcount:
                self._note(db, webhook_id, noted)

        await self._database.write(remove)

    async def add_delivery(self, delivery: Delivery) -> bool:
        insert = """INSERT INTO deliveries (id, webhook, place, state, created_at, due_at, expires_at, is_held, body)
                    VALUES (?,?,?,?,?,?,?,0,?) ON CONFLICT DO NOTHING"""
        row = (delivery.id, delivery.webhook, key_of(delivery), delivery.state, delivery.created_at)
        return await self._database.write(
            lambda db: db.execute(insert, (*row, *_times(delivery), DELIVERIES.text(delivery))).rowcount == 1
        )

    async def delivery(self, delivery_id: str) -> Delivery:
        return await self._database.read(lambda db: _delivery(db, delivery_id))

    async def change_delivery(
        self, delivery_id: str, change: ChangeDelivery, *, noted: Sequence[AuditEntry] = ()
    ) -> Delivery:
        def update(db: sqlite3.Connection) -> Delivery:
            before = _delivery(db, delivery_id)
            after = change(before, self._clock())
            if after is not before:
                self._save(db, after)
                self._note(db, delivery_id, noted)
            return after

        return await self._database.write(update)

    async def deliveries(
        self, webhook_id: str, *, state: DeliveryState | None, before: str, limit: int
    ) -> list[Delivery]:
        where, values = "webhook = ? AND place < ?", [webhook_id, before or LAST]
        if state is not None:
            where += " AND state = ?"
            values.append(state)
        query = f"SELECT body FROM deliveries WHERE {where} ORDER BY place DESC LIMIT ?"  # noqa: S608 - our columns
        return _read(await self._rows(query, *values, limit))

    async def busy(self, *, now: float, after: str, limit: int) -> list[str]:
        given = {"now": now, "after": after, "limit": limit}
        rows = await self._database.read(lambda db: db.execute(_BUSY, given).fetchall())
        return [webhook for (webhook,) in rows]

    async def due(self, webhook_id: str, *, now: float, limit: int) -> list[Delivery]:
        query = "SELECT body FROM deliveries WHERE webhook = ? AND due_at <= ? ORDER BY due_at LIMIT ?"
        return _read(await self._rows(query, webhook_id, now, limit))

    async def lapsing(self, *, expired_before: float, limit: int) -> list[str]:
        query = "SELECT id FROM deliveries WHERE expires_at < ? ORDER BY expires_at LIMIT ?"
        return [delivery_id for (delivery_id,) in await self._rows(query, expired_before, limit)]

    async def forget_deliveries_of(self, webhook_id: str, limit: int) -> int:
        of = "SELECT id FROM deliveries WHERE webhook = ? LIMIT ?"
        return await self._remove(of, webhook_id, limit)

    async def forget_deliveries(self, *, made_before: float, limit: int) -> int:
        old = "SELECT id FROM deliveries WHERE due_at IS NULL AND created_at < ? ORDER BY created_at LIMIT ?"
        return await self._remove(old, made_before, limit)

    async def waiting(self) -> int:
        query = "SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE expires_at IS NOT NULL LIMIT ?)"
        return (await self._rows(query, COUNTED))[0][0]

    async def _remove(self, found: str, *values: object) -> int:
        remove = f"DELETE FROM deliveries WHERE id IN ({found})"  # noqa: S608 - constants
        return await self._database.write(lambda db: db.execute(remove, values).rowcount)

    async def _rows(self, query: str, *values: object) -> list[Any]:
        return await self._database.read(lambda db: db.execute(query, values).fetchall())

    def _note(self, db: sqlite3.Connection, of: str, noted: Sequence[AuditEntry]) -> None:
        self._keep(db, events.notes(of, SOURCE, noted))

    def _save(self, db: sqlite3.Connection, delivery: Delivery) -> None:
        times = (*_times(delivery), bool(delivery.holder))
        update = "UPDATE deliveries SET state = ?, due_at = ?, expires_at = ?, is_held = ?, body = ? WHERE id = ?"
        db.execute(update, (delivery.state, *times, DELIVERIES.text(delivery), delivery.id))


def _webhook(db: sqlite3.Connection, webhook_id: str) -> Webhook:
    row = db.execute("SELECT body FROM webhooks WHERE id = ?", (webhook_id,)).fetchone()
    if row is None:
        raise NotFound("no such webhook")
    return WEBHOOKS.read_text(row[0])


def _delivery(db: sqlite3.Connection, delivery_id: str) -> Delivery:
    row = db.execute("SELECT body FROM deliveries WHERE id = ?", (delivery_id,)).fetchone()
    if row is None:
        raise NotFound("no such delivery")
    return DELIVERIES.read_text(row[0])


def _times(delivery: Delivery) -> tuple[float | None, float | None]:
    """When it is due, and when it expires: nothing of both once it has come to an end."""
    return delivery.due_at, None if delivery.due_at is None else delivery.expires_at


def _read(rows: list[Any]) -> list[Delivery]:
    return [DELIVERIES.read_text(body) for (body,) in rows]
