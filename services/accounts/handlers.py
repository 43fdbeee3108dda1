"""What the accounts service works with, how it begins, and how it writes down what was done."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.accounts import credentials
from services.accounts.announcements import SOURCE
from services.accounts.credentials import FIRST_LINK, Lifetimes, joined
from services.accounts.domain import Person, first_team
from services.accounts.erasure import without_name
from services.accounts.passwords import Passwords
from services.accounts.store import AccountStore
from services.accounts.throttle import Throttle
from shared import audit
from shared.arrivals import Arrivals
from shared.audit import Action, AuditEntry, Doer, Outcome
from shared.clock import Clock
from shared.errors import NotFound, QuorateError
from shared.events import AuditNotedV1, KeyUsedV1
from shared.identity import Caller
from shared.identity.keys import digest_of
from shared.identity.tokens import Signer
from shared.outbox import Relay

if TYPE_CHECKING:
    from services.accounts.oidc.provider import Provider

log = logging.getLogger(__name__)


def nothing() -> None:
    """Wake nobody."""


class Background:
    """Work that nobody waits for, until it is closed."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._run(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Finish what was begun."""
        await asyncio.gather(*self._tasks)

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except QuorateError as error:
            log.warning("something could not be written down: %s", error.detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What handlers work with. by_name, by_address: tries of passwords; device_requests: programs asking for keys.
    arrivals: of what was done, for the audit. provider: who else vouches for people. erase_soon: wakes what erases
    people everywhere."""

    store: AccountStore
    relay: Relay
    arrivals: Arrivals
    clock: Clock
    signer: Signer
    passwords: Passwords
    lifetimes: Lifetimes
    by_name: Throttle
    by_address: Throttle
    device_requests: Throttle
    background: Background
    provider: "Provider | None" = None
    erase_soon: Callable[[], None] = nothing


def doer(caller: Caller, address: str) -> Doer:
    return Doer(id=caller.id, name=caller.name, team=caller.team, address=address)


def as_doer(person: Person, team: str, address: str) -> Doer:
    return Doer(id=person.id, name=person.name, team=team, address=address)


def entry(resources: Resources, by: Doer, action: Action, to: str, outcome: Outcome = "done") -> AuditEntry:
    """What somebody does, now, to what has this id."""
    return audit.entry(by, action, to, resources.clock(), secrets.token_hex(4), outcome)


async def note(resources: Resources, by: Doer, action: Action, to: str, outcome: Outcome = "done") -> None:
    """Write down what changed nothing: a change notes its entry itself."""
    await resources.store.append(entry(resources, by, action, to, outcome))


async def keep_entry(resources: Resources, event: AuditNotedV1) -> None:
    """Write down what was done, in whichever service; once, however often it is told."""
    noted = event.data.entry
    if event.source == SOURCE:  # the other services have said so themselves
        about = {"action": noted.action, "by": noted.actor, "team": noted.team, "object": noted.object}
        log.info("changed", extra=about)
    with contextlib.suppress(NotFound):  # else they were erased while it was on its way
        noted = without_name(noted, (await resources.store.erasures.find(noted.actor)).pseudonym)
    await resources.store.append(noted)


async def note_use(resources: Resources, event: KeyUsedV1) -> None:
    """Note when a key was used last; of one that is gone, nothing."""
    with contextlib.suppress(NotFound):
        await resources.store.keys.update(event.data.key, lambda key, _now: credentials.noted(key, event.data.at))


async def prepare(resources: Resources) -> str | None:
    """Make the first team where it is missing; returns the token of a new link for the first admin, while nobody has an
    account. The link before is void."""
    await resources.store.teams.insert(first_team(resources.clock()))
    if await resources.store.has_people():
        return None
    secret = new_secret()
    link = credentials.first_link(digest_of(secret), resources.clock())
    if not await resources.store.invitations.insert(link):
        await resources.store.invitations.update(FIRST_LINK, lambda _before, _now: link)
    return joined(FIRST_LINK, secret)


def new_secret() -> str:
    """256 random bits, as text."""
    return secrets.token_urlsafe(32)
