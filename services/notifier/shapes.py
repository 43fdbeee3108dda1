"""Webhooks and deliveries as answers, ready to be written as JSON."""

from typing import Any

from services.notifier.delivery import Delivery
from services.notifier.domain import Webhook
from services.notifier.signing import ID_PREFIX
from shared.clock import iso


def webhook_shown(webhook: Webhook, now: float) -> dict[str, Any]:
    """A webhook without its secrets."""
    old = [one.until for one in webhook.secrets if one.until is not None and now < one.until]
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": webhook.events,
        "task_id": webhook.task,
        "state": {None: "active", "by hand": "paused", "gone": "gone"}[webhook.paused],
        "created_at": iso(webhook.created_at),
        "old_secret_until": iso(old[0]) if old else None,
    }


def delivery_shown(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "message_id": ID_PREFIX + delivery.id,
        "event": delivery.event,
        "task_id": delivery.task,
        "state": delivery.state,
        "created_at": iso(delivery.created_at),
        "expires_at": iso(delivery.expires_at),
        "next_try_at": None if delivery.due_at is None else iso(delivery.due_at),
        "tries": [{"at": iso(one.at), "status": one.status, "reason": one.reason} for one in delivery.tries],
    }
