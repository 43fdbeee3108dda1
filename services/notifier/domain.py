"""The rules of webhooks. Pure: time, ids and secrets are arguments."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from shared.errors import Conflict, Invalid, NotFound

EventType = Literal["task.completed", "task.disputed", "task.erased"]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
"""What a webhook may ask for. `task.disputed`: an image of a task became disputed."""
MAX_WEBHOOKS = 20
"""Of one team."""
OVERLAP_S = 86_400.0
"""How long the secret before still signs, beside the new one."""
SKEW_S = 60.0
"""By how much the clocks of services may differ."""

Paused = Literal["by hand", "gone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What signs, as text `whsec_...`. until: when it signs no more; None for the present one."""

    text: str
    until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address that a team wants to be told at.

    task: the only task that it is about; None: every task of the team.
    secrets: the present one first, then the one before.
    paused: why nothing is sent; `gone`: the receiver said that it is there no more.
    is_removed: nobody finds it any more; a store may keep it until that was told.
    """

    id: str
    team: str
    url: str
    events: tuple[EventType, ...]
    created_at: float
    secrets: tuple[Secret, ...]
    task: str | None = None
    paused: Paused | None = None
    is_removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an admin changes of a webhook; None leaves a thing as it is."""

    url: str | None = None
    events: tuple[EventType, ...] | None = None
    is_paused: bool | None = None


def events_in(events: Sequence[EventType]) -> tuple[EventType, ...]:
    """Types in their order, each once. Raises Invalid."""
    found: tuple[EventType, ...] = tuple(one for one in EVENT_TYPES if one in events)
    if not found:
        raise Invalid("name one event at least", pointer="/events")
    return found


def of_team(webhook: Webhook, team: str) -> Webhook:
    """Raises NotFound, with the same words as where there is none."""
    if webhook.team != team:
        raise NotFound("no such webhook")
    return webhook


def refuse_more_than(count: int) -> None:
    """Raises Conflict where a team has this many webhooks already."""
    if count >= MAX_WEBHOOKS:
        raise Conflict(f"a team has at most {MAX_WEBHOOKS} webhooks: remove one")


def changed(webhook: Webhook, _now: float, *, team: str, change: Change) -> Webhook:
    """Raises NotFound for another team's."""
    of_team(webhook, team)
    paused = webhook.paused
    if change.is_paused is not None:
        paused = (webhook.paused or "by hand") if change.is_paused else None
    return replace(
        webhook,
        url=webhook.url if change.url is None else change.url,
        events=webhook.events if change.events is None else change.events,
        paused=paused,
    )


def gone(webhook: Webhook, _now: float) -> Webhook:
    """The receiver said that it is there no more."""
    return webhook if webhook.paused else replace(webhook, paused="gone")


def removed(webhook: Webhook, _now: float) -> Webhook:
    """What is left of a webhook that was removed: neither its address nor its secrets."""
    return replace(webhook, url="", secrets=(), is_removed=True)


def with_secret(webhook: Webhook, now: float, *, team: str, secret: str) -> Webhook:
    """The webhook with a new secret, beside which the present one still signs for a while. Raises NotFound."""
    of_team(webhook, team)
    before = Secret(text=webhook.secrets[0].text, until=now + OVERLAP_S)
    return replace(webhook, secrets=(Secret(text=secret), before))


def signing(webhook: Webhook, now: float) -> tuple[str, ...]:
    """The secrets that sign now, the present one first."""
    return tuple(one.text for one in webhook.secrets if one.until is None or now < one.until)


def wants(webhook: Webhook, event: EventType, task: str, at: float) -> bool:
    """Whether a webhook is to be told of what happened at that instant; a paused one, too: what happens meanwhile waits
    for it. What happened before it was made, and is told anew, is none of its news."""
    return event in webhook.events and webhook.task in (None, task) and at > webhook.created_at - SKEW_S
