"""Requests and answers of the notifier's API."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from services.notifier.delivery import DeliveryState
from services.notifier.domain import EventType
from shared.fetching import MAX_URL
from shared.http.requests import Wire

Url = Annotated[str, Field(min_length=1, max_length=MAX_URL)]
Events = Annotated[list[EventType], Field(min_length=1, max_length=3)]
State = Annotated[DeliveryState, Query(description="deliveries in one state")]


class WebhookRequest(Wire):
    """`events`: what to tell of. `task_id`: tell of this task only."""

    url: Url
    events: Events
    task_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None


class WebhookChange(Wire):
    """What is not named stays."""

    url: Url | None = None
    events: Events | None = None
    is_paused: bool | None = None


class WebhookShown(BaseModel):
    """`state`: `gone` is paused, too, because the receiver answered 410. `old_secret_until`: until then the secret
    before signs as well."""

    id: str
    url: str
    events: list[EventType]
    task_id: str | None
    state: Literal["active", "paused", "gone"]
    created_at: str
    old_secret_until: str | None


class NewWebhookShown(WebhookShown):
    """`secret`: what signs, which is told this once."""

    secret: str


class WebhooksShown(BaseModel):
    items: list[WebhookShown]


class TryShown(BaseModel):
    """`status`: the receiver's answer; null where there was none. `reason`: what came of it, in words."""

    at: str
    status: int | None
    reason: str


class DeliveryShown(BaseModel):
    """`message_id`: the header `webhook-id`, the same with every try. `next_try_at`: null once it has come to an end.
    `tries`: the latest ones, the last one at the end."""

    id: str
    message_id: str
    event: EventType
    task_id: str
    state: DeliveryState
    created_at: str
    expires_at: str
    next_try_at: str | None
    tries: list[TryShown]


class DeliveriesShown(BaseModel):
    """The newest first."""

    items: list[DeliveryShown]
    next_cursor: str | None
