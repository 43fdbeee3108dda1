"""HTTP in and out of the notifier."""

import re
from typing import Any

from fastapi import APIRouter, Response

from services.notifier import handlers, shapes, wire
from services.notifier.domain import Webhook
from services.notifier.handlers import Resources
from services.notifier.store.codec import key_of
from shared.access import allow
from shared.http import problems
from shared.http.answers import json_answer
from shared.http.paging import Cursor, Limit, Pages, cut, read_cursor
from shared.http.requests import bounded
from shared.identity import Who

PLACE = re.compile(r"[0-9a-f]{48}")
NOT_KEPT = {"Cache-Control": "no-store"}
"""For answers that hold a secret."""


def router(resources: Resources) -> APIRouter:
    """What admins do with the webhooks of the team that they work in."""
    routes = APIRouter(prefix="/api", tags=["webhooks"], route_class=bounded(), responses=problems.RESPONSES)
    _add_webhooks(routes, resources)
    _add_changes(routes, resources)
    _add_deliveries(routes, resources)
    return routes


def _add_webhooks(routes: APIRouter, resources: Resources) -> None:
    @routes.get("/webhooks", response_model=wire.WebhooksShown)
    async def webhooks(who: Who) -> Response:
        allow(who, "administer")
        now = resources.clock()
        found = await resources.store.webhooks(who.team)
        return json_answer({"items": [shapes.webhook_shown(one, now) for one in found]})

    @routes.post("/webhooks", status_code=201, response_model=wire.NewWebhookShown)
    async def make_webhook(wanted: wire.WebhookRequest, who: Who) -> Response:
        allow(who, "administer")
        webhook, secret = await handlers.make_webhook(
            resources, who, url=wanted.url, events=wanted.events, task=wanted.task_id
        )
        return _with_secret(resources, webhook, secret)

    @routes.get("/webhooks/{webhook_id}", response_model=wire.WebhookShown)
    async def webhook(webhook_id: str, who: Who) -> Response:
        allow(who, "administer")
        found = await handlers.find(resources, who.team, webhook_id)
        return json_answer(shapes.webhook_shown(found, resources.clock()))


def _add_changes(routes: APIRouter, resources: Resources) -> None:
    @routes.patch("/webhooks/{webhook_id}", response_model=wire.WebhookShown)
    async def change_webhook(webhook_id: str, wanted: wire.WebhookChange, who: Who) -> Response:
        allow(who, "administer")
        changed = await handlers.change_webhook(
            resources,
            who,
            webhook_id,
            url=wanted.url,
            events=wanted.events,
            is_paused=wanted.is_paused,
        )
        return json_answer(shapes.webhook_shown(changed, resources.clock()))

    @routes.delete("/webhooks/{webhook_id}", status_code=204)
    async def remove_webhook(webhook_id: str, who: Who) -> Response:
        allow(who, "administer")
        await handlers.remove_webhook(resources, who, webhook_id)
        return Response(status_code=204)

    @routes.post("/webhooks/{webhook_id}/secret", status_code=201, response_model=wire.NewWebhookShown)
    async def rotate(webhook_id: str, who: Who) -> Response:
        allow(who, "administer")
        webhook, secret = await handlers.rotate(resources, who, webhook_id)
        return _with_secret(resources, webhook, secret)


def _add_deliveries(routes: APIRouter, resources: Resources) -> None:
    pages = Pages()

    @routes.get("/webhooks/{webhook_id}/deliveries", response_model=wire.DeliveriesShown)
    async def deliveries(
        webhook_id: str, who: Who, state: wire.State | None = None, cursor: Cursor = None, limit: Limit = 100
    ) -> Response:
        allow(who, "administer")
        await handlers.find(resources, who.team, webhook_id)

        async def find(before: str, count: int) -> tuple[Any, str]:
            found = await resources.store.deliveries(webhook_id, state=state, before=before, limit=count + 1)
            return cut(found, count, key_of)

        return await pages.answer(find, shapes.delivery_shown, after=read_cursor(cursor, PLACE), limit=limit)

    @routes.post("/webhooks/{webhook_id}/deliveries/{delivery_id}/send", response_model=wire.DeliveryShown)
    async def send_again(webhook_id: str, delivery_id: str, who: Who) -> Response:
        allow(who, "administer")
        sent = await handlers.send_again(resources, who, webhook_id, delivery_id)
        return json_answer(shapes.delivery_shown(sent))


def _with_secret(resources: Resources, webhook: Webhook, secret: str) -> Response:
    """A webhook with a secret of it that is new, and told this once."""
    shown = shapes.webhook_shown(webhook, resources.clock()) | {"secret": secret}
    return json_answer(shown, 201, NOT_KEPT)
