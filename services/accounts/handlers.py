"""What the accounts service works with, how it begins, and how it writes down what was done."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from services.accounts import credentials
from services.accounts.audit import Action, AuditEntry, Outcome, entry_id
from services.accounts.credentials import FIRST_LINK, Lifetimes, joined
from services.accounts.domain import Person, first_team
from services.accounts.oidc.provider import Provider
from services.accounts.passwords import Passwords
from services.accounts.store import AccountStore
from services.accounts.throttle import Throttle
from shared.clock import Clock
from shared.errors import QuorateError
from shared.identity import Caller
from shared.identity.keys import digest_of
from shared.identity.tokens import Signer

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
    """What handlers work with. by_name, by_address: tries of passwords. provider: who else vouches for people.
    erase_soon: wakes what erases people everywhere."""

    store: AccountStore
    clock: Clock
    signer: Signer
    passwords: Passwords
    lifetimes: Lifetimes
    by_name: Throttle
    by_address: Throttle
    background: Background
    provider: Provider | None = None
    erase_soon: Callable[[], None] = nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Doer:
    """Who does something, for which team, and from where."""

    id: str
    name: str
    team: str
    address: str


def doer(caller: Caller, address: str) -> Doer:
    return Doer(id=caller.id, name=caller.name, team=caller.team, address=address)


def as_doer(person: Person, team: str, address: str) -> Doer:
    return Doer(id=person.id, name=person.name, team=team, address=address)


async def note(resources: Resources, by: Doer, action: Action, to: str, outcome: Outcome = "done") -> None:
    """Write down what somebody did to what has this id."""
    now = resources.clock()
    await resources.store.append(
        AuditEntry(
            id=entry_id(now, secrets.token_hex(4)),
            at=now,
            actor=by.id,
            actor_name=by.name,
            action=action,
            object=to,
            team=by.team,
            address=by.address,
            outcome=outcome,
        )
    )


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
