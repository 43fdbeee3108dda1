"""What the notifier does, one command or event each: load, ask the rules, save."""

import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from services.notifier import delivery as deliveries
from services.notifier import domain, signing
from services.notifier.delivery import Delivery, Schedule
from services.notifier.domain import Change, EventType, Secret, Webhook
from services.notifier.payload import HeardEvent, told
from services.notifier.store import NotifierStore
from shared.auditing import Auditor
from shared.clock import Clock
from shared.errors import Conflict, Invalid
from shared.fetching import Fetcher
from shared.identity import Caller
from shared.outbox import Relay

FORGOTTEN_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What handlers work with. wake: there is something to send. relay: publishes what the audit notes."""

    store: NotifierStore
    clock: Clock
    fetcher: Fetcher
    schedule: Schedule
    wake: Callable[[], None]
    relay: Relay
    auditor: Auditor


async def deliver(resources: Resources, event: HeardEvent) -> None:
    """Keep a delivery for each webhook that wants to be told. An event that comes again makes no second one."""
    news = told(event)
    if news.at < resources.clock() - deliveries.KEPT_S:
        return
    for webhook in await resources.store.webhooks(news.team):
        if domain.wants(webhook, news.event, news.task, news.at):
            now, schedule = resources.clock(), resources.schedule
            made = deliveries.new_delivery(webhook, news.id, news.event, news.task, news.body, now, schedule)
            await resources.store.add_delivery(made)
    resources.wake()


async def make_webhook(
    resources: Resources, who: Caller, *, url: str, events: Sequence[EventType], task: str | None
) -> tuple[Webhook, str]:
    """A new webhook of a team, and its secret, which is told once. Raises Invalid and Conflict."""
    _check(resources, url)
    domain.refuse_more_than(len(await resources.store.webhooks(who.team)))
    secret = new_secret()
    webhook = Webhook(
        id=uuid.uuid4().hex,
        team=who.team,
        url=url,
        events=domain.events_in(events),
        created_at=resources.clock(),
        secrets=(Secret(text=secret),),
        task=task,
    )
    await resources.store.add_webhook(webhook, noted=resources.auditor.entries(who, "webhook.make", webhook.id))
    resources.auditor.tell(who, "webhook.make", webhook=webhook.id)
    resources.relay.wake()
    return webhook, secret


async def find(resources: Resources, team: str, webhook_id: str) -> Webhook:
    """Raises NotFound, also for another team's."""
    return domain.of_team(await resources.store.webhook(webhook_id), team)


async def change_webhook(
    resources: Resources,
    who: Caller,
    webhook_id: str,
    *,
    url: str | None,
    events: Sequence[EventType] | None,
    is_paused: bool | None,
) -> Webhook:
    """Change a webhook; what waited while it was paused is sent when it goes on. Raises NotFound and Invalid."""
    await find(resources, who.team, webhook_id)
    if url is not None:
        _check(resources, url)
    change = Change(url=url, events=None if events is None else domain.events_in(events), is_paused=is_paused)
    rule = partial(domain.changed, team=who.team, change=change)
    noted = resources.auditor.entries(who, "webhook.change", webhook_id)
    after = await resources.store.change_webhook(webhook_id, rule, noted=noted)
    resources.auditor.tell(who, "webhook.change", webhook=webhook_id)
    resources.relay.wake()
    resources.wake()
    return after


async def rotate(resources: Resources, who: Caller, webhook_id: str) -> tuple[Webhook, str]:
    """A new secret, told once; the one before signs beside it for a while. Raises NotFound."""
    secret = new_secret()
    rule = partial(domain.with_secret, team=who.team, secret=secret)
    noted = resources.auditor.entries(who, "webhook.rotate", webhook_id)
    after = await resources.store.change_webhook(webhook_id, rule, noted=noted)
    resources.auditor.tell(who, "webhook.rotate", webhook=webhook_id)
    resources.relay.wake()
    return after, secret


async def remove_webhook(resources: Resources, who: Caller, webhook_id: str) -> None:
    """Remove a webhook and all its deliveries. What a crash leaves of them, the sender removes. Raises NotFound."""
    await find(resources, who.team, webhook_id)
    noted = resources.auditor.entries(who, "webhook.remove", webhook_id)
    await resources.store.remove_webhook(webhook_id, noted=noted)
    resources.auditor.tell(who, "webhook.remove", webhook=webhook_id)
    resources.relay.wake()
    while await resources.store.forget_deliveries_of(webhook_id, FORGOTTEN_AT_ONCE) == FORGOTTEN_AT_ONCE:
        pass


async def send_again(resources: Resources, who: Caller, webhook_id: str, delivery_id: str) -> Delivery:
    """Send a delivery again, with the same id. Raises NotFound, and Conflict while the webhook is paused."""
    if (await find(resources, who.team, webhook_id)).paused:
        raise Conflict("the webhook is paused: let it go on first")
    rule = partial(deliveries.again, webhook=webhook_id, schedule=resources.schedule)
    noted = resources.auditor.entries(who, "webhook.send", delivery_id)
    after = await resources.store.change_delivery(delivery_id, rule, noted=noted)
    resources.auditor.tell(who, "webhook.send", webhook=webhook_id, delivery=delivery_id)
    resources.relay.wake()
    resources.wake()
    return after


def new_secret() -> str:
    """256 random bits, as receivers keep them."""
    return signing.secret_of(secrets.token_bytes(signing.SECRET_BYTES))


def _check(resources: Resources, url: str) -> None:
    """Raises Invalid for an address that is refused whatever its name leads to."""
    try:
        resources.fetcher.check(url)
    except Invalid as error:
        raise Invalid(error.detail, pointer="/url") from None
