"""How a person is erased: at once in the accounts, and then in every service, which say when they have done it.

What is kept of it (`ErasedPerson`) is saved first. Whatever is interrupted after that, the worker finishes.
"""

import contextlib
import logging
import secrets
from collections.abc import Sequence
from functools import partial

from services.accounts.credentials import MAX_KEYS
from services.accounts.domain import NO_SUCH_PERSON, Person, is_admin, name_key_of, teams_of, with_admin, without_admin
from services.accounts.erasure import ErasedPerson, done_by, nameless, pseudonym_of, stub_of, told
from services.accounts.handlers import Resources, entry
from services.accounts.store import AccountStore
from shared import events
from shared.audit import Doer
from shared.clock import Clock
from shared.errors import Conflict, NotFound
from shared.looking import Looking
from shared.outbox import Relay
from shared.telemetry.trouble import Trouble

log = logging.getLogger(__name__)

SHOWN = 200
BATCH = 500
LOOK_S = 5.0
TRIES = 20
ACCOUNTS = "accounts"


async def erase(resources: Resources, by: Doer, person_id: str) -> ErasedPerson:
    """Erase a person; who is erased already stays so. Raises NotFound, and Conflict for the last admin of a team."""
    with contextlib.suppress(NotFound):
        return await resources.store.erasures.find(person_id)
    person = await resources.store.people.find(person_id)
    await _take_off_lists(resources.store, person)
    pseudonym = await _new_pseudonym(resources.store)
    erased = ErasedPerson(id=person_id, pseudonym=pseudonym, erased_at=resources.clock())
    await resources.store.erasures.insert(erased, noted=[entry(resources, by, "person.erase", person_id)])
    erased = await resources.store.erasures.find(person_id)  # somebody may have been faster
    await shut_out(resources.store, erased)
    await resources.relay.hand_over()
    resources.erase_soon()
    return erased


async def _take_off_lists(store: AccountStore, person: Person) -> None:
    """Take somebody off the lists of admins. Raises Conflict, with them on all lists again, where one would be
    empty."""
    taken: list[str] = []
    try:
        for team in (one for one in teams_of(person) if is_admin(person, one)):
            await store.teams.update(team, lambda one, _now: without_admin(one, person.id))
            taken.append(team)
    except Conflict:
        for team in taken:
            await store.teams.update(team, lambda one, _now: with_admin(one, person.id))
        raise


async def _new_pseudonym(store: AccountStore) -> str:
    """One that nobody has. Raises Conflict where chance would have it otherwise."""
    for _ in range(TRIES):
        pseudonym = pseudonym_of(secrets.randbits(64))
        if await store.person_named(name_key_of(pseudonym)) is None:
            return pseudonym
    raise Conflict("no pseudonym is free: try again")


async def shut_out(store: AccountStore, erased: ErasedPerson) -> None:
    """From here on nothing opens to the person, and nothing in the accounts says who they were. May be done again."""
    person = await store.people.find(erased.id)
    for team in (one.team for one in person.memberships):
        for key in await store.keys_of(team, person.id, MAX_KEYS):
            await store.keys.update(key.id, nameless)
    await store.people.update(
        person.id, lambda one, _now: one if one.name == erased.pseudonym else stub_of(one, erased.pseudonym)
    )


async def erasures(resources: Resources) -> Sequence[ErasedPerson]:
    """The people who were erased last, the newest first."""
    return await resources.store.newest_erasures(SHOWN)


async def note_done(store: AccountStore, event: events.PersonPseudonymisedV1) -> None:
    """A service has put the pseudonym in place of a person."""
    done = event.data
    stub = await store.person_named(name_key_of(done.pseudonym))
    if stub is None:
        raise NotFound(NO_SUCH_PERSON)
    await store.erasures.update(stub.id, lambda one, _now: done_by(one, done.service, done.at))


class ErasingWorker:
    """Finishes what was begun: the accounts' own part, and telling the other services."""

    def __init__(self, store: AccountStore, relay: Relay, clock: Clock) -> None:
        self._store = store
        self._relay = relay
        self._clock = clock
        trouble = Trouble(log, "erasing a person cannot go on")
        self._looking = Looking(self._go_on, every_s=LOOK_S, trouble=trouble, name="erasing")

    def start(self) -> None:
        self._looking.start()

    def wake(self) -> None:
        self._looking.wake()

    async def close(self) -> None:
        await self._looking.close()

    async def _go_on(self) -> None:
        for erased in await self._store.unfinished_erasures(BATCH):
            await self._finish(erased)

    async def _finish(self, erased: ErasedPerson) -> None:
        if not erased.is_told:
            await shut_out(self._store, erased)
            await self._store.erasures.update(erased.id, lambda one, _now: told(one))
            self._relay.wake()
        if ACCOUNTS not in dict(erased.done):
            place: str | None = ""
            while place is not None:
                place = await self._store.rename_in_audit(erased.id, erased.pseudonym, after=place, limit=BATCH)
            mark = partial(done_by, service=ACCOUNTS, at=self._clock())
            await self._store.erasures.update(erased.id, lambda one, _now: mark(one))
