"""Webhooks and deliveries in MongoDB: one document each, changed by guarded writes.

A webhook that was removed is kept, without what was in it, until its event of the audit was published.

The field `id` is `_id` once more, for indexes that end in it: not every server has those on `_id`. A delivery that has
come to an end has no `due_of`, `due_at` and `expires_at`, and so is in no index of those that wait.
"""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import IndexModel

from services.notifier.delivery import Delivery, DeliveryState
from services.notifier.domain import Webhook, removed
from services.notifier.store import ChangeDelivery, ChangeWebhook
from services.notifier.store.codec import COUNTED, DELIVERIES, LAST, SOURCE, WEBHOOKS, key_of
from shared import events
from shared.audit import AuditEntry
from shared.clock import Clock
from shared.errors import NotFound
from shared.events import Message
from shared.mongo import Documents
from shared.mongo.connection import Document, MongoDatabase, count, read
from shared.mongo.faults import errors_named
from shared.mongo.indexes import build
from shared.mongo.origins import INDEXES as ORIGIN_INDEXES
from shared.mongo.origins import Origins
from shared.mongo.outbox import INDEXES as OUTBOX_INDEXES
from shared.mongo.outbox import Outboxes, document_of

INDEXES = {
    "webhooks": [
        IndexModel([("team", 1), ("id", 1)], name="of_team"),
        IndexModel([("removed", 1)], name="removed", sparse=True),
        *OUTBOX_INDEXES,
    ],
    "deliveries": [
        *OUTBOX_INDEXES,
        IndexModel([("webhook", 1), ("place", 1)], name="of_webhook"),
        IndexModel([("webhook", 1), ("state", 1), ("place", 1)], name="in_state"),
        IndexModel([("due_of", 1), ("due_at", 1)], name="due", sparse=True),
        IndexModel([("expires_at", 1)], name="expiring", sparse=True),
        IndexModel([("ended", 1), ("created_at", 1)], name="ended", sparse=True),
    ],
    "origins": ORIGIN_INDEXES,
}


class MongoNotifierStore:
    """A `NotifierStore` on a database of its own, for as many processes as like."""

    def __init__(self, database: MongoDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._origins = Origins(database["origins"], clock)
        webhooks, deliveries = database["webhooks"], database["deliveries"]
        self._webhooks = Documents(webhooks, codec=WEBHOOKS, keys=_webhook_keys, clock=clock, origins=self._origins)
        self._deliveries = Documents(
            deliveries, codec=DELIVERIES, keys=_delivery_keys, clock=clock, origins=self._origins
        )
        self._outboxes = Outboxes([self._webhooks.outbox, self._deliveries.outbox])

    async def prepare(self) -> None:
        """Create the indexes that are missing, and remove what a process that died left of removed webhooks."""
        await build(self._database, INDEXES)
        await self._forget_removed({})

    async def add_webhook(self, webhook: Webhook, *, noted: Sequence[AuditEntry] = ()) -> None:
        await self._webhooks.insert([(webhook, _notes(webhook.id, noted))])

    async def webhook(self, webhook_id: str) -> Webhook:
        return _there((await self._webhooks.find(webhook_id, "webhook")).state)

    async def webhooks(self, team: str) -> list[Webhook]:
        with errors_named():
            found = await read(self._webhooks.collection.find({"team": {"$eq": team}}).sort("id", 1))
        return [WEBHOOKS.read_document(one) for one in found]

    async def change_webhook(
        self, webhook_id: str, change: ChangeWebhook, *, noted: Sequence[AuditEntry] = ()
    ) -> Webhook:
        async def rule(webhook: Webhook) -> tuple[Webhook, Sequence[Message]]:
            return change(_there(webhook), self._clock()), _notes(webhook_id, noted)

        return await self._webhooks.change(webhook_id, "webhook", rule)

    async def remove_webhook(self, webhook_id: str, *, noted: Sequence[AuditEntry] = ()) -> None:
        with contextlib.suppress(NotFound):
            await self.change_webhook(webhook_id, removed, noted=noted)
        await self._forget_removed({"_id": webhook_id})

    async def add_delivery(self, delivery: Delivery) -> bool:
        return not await self._deliveries.insert([(delivery, ())])

    async def delivery(self, delivery_id: str) -> Delivery:
        return (await self._deliveries.find(delivery_id, "delivery")).state

    async def change_delivery(
        self, delivery_id: str, change: ChangeDelivery, *, noted: Sequence[AuditEntry] = ()
    ) -> Delivery:
        async def rule(delivery: Delivery) -> tuple[Delivery, Sequence[Message]]:
            return change(delivery, self._clock()), _notes(delivery_id, noted)

        return await self._deliveries.change(delivery_id, "delivery", rule)

    async def deliveries(
        self, webhook_id: str, *, state: DeliveryState | None, before: str, limit: int
    ) -> list[Delivery]:
        query: Document = {"webhook": {"$eq": webhook_id}, "place": {"$lt": before or LAST}}
        if state is not None:
            query["state"] = {"$eq": state}
        return await self._found(query, "place", limit, direction=-1)

    async def busy(self, *, now: float, after: str, limit: int) -> list[str]:
        """From one webhook to the next by index: one read for each that has deliveries waiting."""
        found: list[str] = []
        while len(found) < limit and (first := await self._first_waiting(after)) is not None:
            after = first["due_of"]
            if first["due_at"] <= now:
                found.append(after)
        return found

    async def due(self, webhook_id: str, *, now: float, limit: int) -> list[Delivery]:
        return await self._found({"due_of": {"$eq": webhook_id}, "due_at": {"$lte": now}}, "due_at", limit)

    async def lapsing(self, *, expired_before: float, limit: int) -> list[str]:
        with errors_named():
            cursor = self._deliveries.collection.find({"expires_at": {"$lt": expired_before}}, {"_id": 1})
            return [one["_id"] for one in await read(cursor.sort("expires_at", 1), limit)]

    async def forget_deliveries_of(self, webhook_id: str, limit: int) -> int:
        return await self._remove({"webhook": {"$eq": webhook_id}}, limit)

    async def forget_deliveries(self, *, made_before: float, limit: int) -> int:
        return await self._remove({"ended": {"$eq": True}, "created_at": {"$lt": made_before}}, limit)

    async def waiting(self) -> int:
        return await count(self._deliveries.collection, {"expires_at": {"$gt": 0}}, COUNTED)

    async def beat(self) -> None:
        await self._origins.beat()

    async def pending(self, limit: int) -> list[Message]:
        return await self._outboxes.pending(limit)

    async def clear(self, ids: Sequence[str]) -> None:
        await self._outboxes.clear(ids)
        await self._forget_removed({"_id": {"$in": sorted({document_of(event_id) for event_id in ids})}})

    async def _forget_removed(self, query: Document) -> None:
        """Remove what is left of removed webhooks, once all that was to be told of them was told."""
        webhooks = self._webhooks.collection
        with errors_named():
            left = await read(webhooks.find({**query, "removed": {"$eq": True}}, {"outbox": 1}))
            told = [one["_id"] for one in left if not one["outbox"]]
            if told:
                await webhooks.delete_many({"_id": {"$in": told}})

    async def _first_waiting(self, after: str) -> Mapping[str, Any] | None:
        cursor = self._deliveries.collection.find({"due_of": {"$gt": after}}, {"due_of": 1, "due_at": 1})
        with errors_named():
            found = await read(cursor.sort([("due_of", 1), ("due_at", 1)]), 1)
        return found[0] if found else None

    async def _found(self, query: Document, order: str, limit: int, *, direction: int = 1) -> list[Delivery]:
        with errors_named():
            cursor = self._deliveries.collection.find(query).sort(order, direction)
            found = await read(cursor, limit)
        return [DELIVERIES.read_document(one) for one in found]

    async def _remove(self, query: Document, limit: int) -> int:
        deliveries = self._deliveries.collection
        with errors_named():
            found = await read(deliveries.find(query, {"_id": 1}), limit)
            ids = [one["_id"] for one in found]
            return (await deliveries.delete_many({"_id": {"$in": ids}, **query})).deleted_count if ids else 0


def _there(webhook: Webhook) -> Webhook:
    """Raises NotFound."""
    if webhook.is_removed:
        raise NotFound("no such webhook")
    return webhook


def _notes(of: str, noted: Sequence[AuditEntry]) -> list[Message]:
    return events.notes(of, SOURCE, noted)


def _webhook_keys(webhook: Webhook) -> Document:
    if webhook.is_removed:
        return {"_id": webhook.id, "id": webhook.id, "team": None, "removed": True}
    return {"_id": webhook.id, "id": webhook.id, "team": webhook.team, "removed": None}


def _delivery_keys(delivery: Delivery) -> Document:
    is_waiting = delivery.due_at is not None
    return {
        "_id": delivery.id,
        "webhook": delivery.webhook,
        "place": key_of(delivery),
        "state": delivery.state,
        "created_at": delivery.created_at,
        "due_of": delivery.webhook if is_waiting else None,
        "due_at": delivery.due_at,
        "expires_at": delivery.expires_at if is_waiting else None,
        "ended": None if is_waiting else True,
    }
