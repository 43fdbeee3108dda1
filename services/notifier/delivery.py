"""The rules of deliveries: one event for one webhook, tried until it arrives or expires. Pure."""

import hashlib
from dataclasses import dataclass, replace
from typing import Literal, get_args

from services.notifier.domain import EventType, Webhook
from shared.errors import NotFound

DeliveryState = Literal["waiting", "delivered", "expired"]
DELIVERY_STATES: tuple[DeliveryState, ...] = get_args(DeliveryState)
GROWTH = 3.0
JITTER = 0.2
"""A pause is up to so much shorter or longer than planned: receivers that were down are not met all at once."""
MAX_TRIES = 60
"""Of one delivery, until it expires."""
TRIES_KEPT = 60
KEPT_S = 30 * 86_400.0
"""So long a delivery is remembered, however it ended. An event that is older may have been told, and is passed over."""
OK, REDIRECTS, REFUSALS, GONE = 200, 300, 400, 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When deliveries are tried, in seconds.

    first_s: the pause after the first try, each further one being three times as long, up to longest_s.
    keep_s: after so long a delivery expires.
    claim_s: for so long a try belongs to the process that began it; another begins it anew then.
    """

    first_s: float
    longest_s: float
    keep_s: float
    claim_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """What came of one try. status: the receiver's answer; None where there was none. reason: in words."""

    at: float
    status: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event on its way to one webhook.

    id: made of the event's and the webhook's, so that an event which comes again makes no second one.
    body: what is sent, the same bytes with every try.
    due_at: when it is tried next; None once it has come to an end.
    tries: the latest ones. count: how many tries there have been since it was made or sent again by hand.
    holder: who tries it now.
    """

    id: str
    webhook: str
    event: EventType
    task: str
    body: str
    created_at: float
    expires_at: float
    due_at: float | None
    state: DeliveryState = "waiting"
    tries: tuple[Try, ...] = ()
    count: int = 0
    holder: str = ""


def delivery_id_of(event_id: str, webhook_id: str) -> str:
    """The same however often the event comes."""
    return hashlib.sha256(f"delivery\n{event_id}\n{webhook_id}".encode()).hexdigest()[:32]


def new_delivery(
    webhook: Webhook, event_id: str, event: EventType, task: str, body: str, now: float, schedule: Schedule
) -> Delivery:
    """A delivery that is due now."""
    return Delivery(
        id=delivery_id_of(event_id, webhook.id),
        webhook=webhook.id,
        event=event,
        task=task,
        body=body,
        created_at=now,
        expires_at=now + schedule.keep_s,
        due_at=now,
    )


def claimed(delivery: Delivery, now: float, *, holder: str, schedule: Schedule) -> Delivery:
    """The delivery, being tried by one process; unchanged where it is not due any more."""
    if delivery.due_at is None or now < delivery.due_at:
        return delivery
    return replace(delivery, holder=holder, due_at=now + schedule.claim_s)


def succeeded(delivery: Delivery, _now: float, *, outcome: Try) -> Delivery:
    """It arrived, whoever tried it."""
    return _tried(replace(delivery, state="delivered", due_at=None, holder=""), outcome)


def failed(
    delivery: Delivery,
    now: float,
    *,
    holder: str,
    outcome: Try,
    schedule: Schedule,
    chance: float,
    wait_s: float = 0.0,
) -> Delivery:
    """It did not arrive. chance: 0 to 1. wait_s: the receiver wants to be left alone for so long.

    Unchanged where another process has begun it anew. The last try is at the end of its time.
    """
    if delivery.state != "waiting" or delivery.holder != holder:
        return delivery
    tried = _tried(replace(delivery, holder=""), outcome)
    if now >= delivery.expires_at or tried.count >= MAX_TRIES:
        return replace(tried, state="expired", due_at=None)
    pause = max(pause_s(tried.count, schedule, chance), min(wait_s, schedule.longest_s))
    return replace(tried, due_at=min(now + pause, delivery.expires_at))


def reason_of(status: int) -> str:
    """What an answer says of a try."""
    if OK <= status < REDIRECTS:
        return "delivered"
    if REDIRECTS <= status < REFUSALS:
        return f"answered {status}, a redirect: none is followed"
    return f"answered {status}: it is there no more" if status == GONE else f"answered {status}"


def has_arrived(outcome: Try) -> bool:
    return outcome.status is not None and OK <= outcome.status < REDIRECTS


def pause_s(count: int, schedule: Schedule, chance: float) -> float:
    """How long to wait after so many tries."""
    planned = min(schedule.first_s * GROWTH ** (count - 1), schedule.longest_s)
    return planned * (1 + JITTER * (2 * chance - 1))


def lapsed(delivery: Delivery, now: float) -> Delivery:
    """Its time is over, and nobody tries it: its webhook is paused, or was busy with others."""
    if delivery.state != "waiting" or now < delivery.expires_at:
        return delivery
    return replace(delivery, state="expired", due_at=None, holder="")


def again(delivery: Delivery, now: float, *, webhook: str, schedule: Schedule) -> Delivery:
    """An admin sends it again, whatever became of it. Raises NotFound for another webhook's."""
    if delivery.webhook != webhook:
        raise NotFound("no such delivery")
    return replace(delivery, state="waiting", due_at=now, expires_at=now + schedule.keep_s, count=0, holder="")


def released(delivery: Delivery, now: float) -> Delivery:
    """Whoever tried it is gone: it is due now."""
    return replace(delivery, due_at=now, holder="") if delivery.holder else delivery


def _tried(delivery: Delivery, outcome: Try) -> Delivery:
    return replace(delivery, tries=(*delivery.tries, outcome)[-TRIES_KEPT:], count=delivery.count + 1)
