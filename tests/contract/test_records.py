"""What services know of keys and sessions: from the accounts' own store, and from what they were told."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio

from services.accounts import announcements
from services.accounts.credentials import Key, Lifetimes, Session, ended, revoked
from services.accounts.domain import Membership, Person, changed, left, with_password
from services.accounts.records import StoredRecords
from services.accounts.store import AccountStore
from services.accounts.store.mongo import MongoAccountStore
from services.accounts.telling import Teller
from shared.events import Message, parse
from shared.identity.records import Records
from shared.identity.tokens import Claims
from shared.identity.told_records import TOLD_S, ToldRecords
from tests.contract.adapters import T0, ManualClock, sqlite_accounts
from tests.contract.mongo import Commands, database

PERSON = Person(
    id="p1",
    name="Ann",
    name_key="ann",
    created_at=T0,
    memberships=(Membership(team="t1", roles=("client", "operator")), Membership(team="t2", roles=("admin",))),
)
KEY = Key(
    id="k1",
    digest="d",
    person="p1",
    name="mine",
    team="t1",
    roles=("client", "admin"),
    created_at=T0,
    expires_at=T0 + 9e5,
)
SESSION = Session(id="s1", digest="d", person="p1", team="t1", epoch=0, created_at=T0, used_at=T0)
CLAIMS = Claims(
    person="p1", name="Ann", team="t1", roles=("client", "operator"), session="s1", epoch=0, expires_at=T0 + 600
)


class Carrier:
    """A bus of which only publishing is used: it keeps what is published."""

    def __init__(self) -> None:
        self.published: list[Message] = []

    async def publish(self, messages) -> None:
        self.published += messages


@dataclass
class Known:
    """`told`: deliver what was told by now, all of it twice and in any order."""

    store: AccountStore
    records: Records
    clock: ManualClock
    bus: Carrier
    told: Callable[[], Awaitable[None]]


@pytest_asyncio.fixture
async def stored(tmp_path) -> AsyncIterator[Known]:
    async def told() -> None:
        return

    async with sqlite_accounts(tmp_path) as accounts:
        records = StoredRecords(accounts.store, accounts.clock, Lifetimes(idle_s=1e6, absolute_s=1e6))
        yield Known(accounts.store, records, accounts.clock, Carrier(), told)


@pytest_asyncio.fixture
async def told() -> AsyncIterator[Known]:
    clock, bus, chance = ManualClock(), Carrier(), random.Random(16)
    async with database(Commands()) as db:
        store = MongoAccountStore(db, clock, announcements.told)
        records = ToldRecords(db["access"], bus, clock, "task_manager")
        await store.prepare()
        await records.prepare()

        async def deliver() -> None:
            found = await store.pending(100)
            twice = [*found, *bus.published] * 2
            chance.shuffle(twice)
            for message in twice:
                event = parse(message.body)
                if event.type == "access.told.v1":
                    await records.keep(event)
            await store.clear([message.id for message in found])
            bus.published.clear()

        yield Known(store, records, clock, bus, deliver)


@pytest.fixture(params=["stored", "told"])
def known(request) -> Known:
    return request.getfixturevalue(request.param)


async def begin(known: Known) -> None:
    await known.store.people.insert(PERSON)
    await known.store.keys.insert(KEY)
    await known.store.sessions.insert(SESSION)
    await known.told()


async def test_a_key_has_of_its_roles_those_of_its_person(known: Known):
    assert await known.records.key("k1") is None
    await begin(known)
    found = await known.records.key("k1")
    assert found is not None
    assert (found.person, found.name, found.team, found.roles, found.digest) == ("p1", "Ann", "t1", ("client",), "d")
    await known.store.people.update(
        "p1", lambda one, _now: changed(one, "t1", roles=("admin", "operator"), is_active=None)
    )
    await known.told()
    found = await known.records.key("k1")
    assert found is not None
    assert found.roles == ("admin",)
    await known.store.people.update("p1", lambda one, _now: changed(one, "t1", roles=None, is_active=False))
    await known.told()
    assert await known.records.key("k1") is None


async def test_a_revoked_key_stays_so_whatever_comes_after(known: Known):
    await begin(known)
    before = announcements.told(None, KEY, T0)
    await known.store.keys.update("k1", revoked)
    await known.told()
    assert await known.records.key("k1") is None
    known.bus.published += before
    await known.told()
    assert await known.records.key("k1") is None


async def test_a_session_ends_by_itself_or_with_a_role_or_a_password(known: Known):
    await begin(known)
    assert not await known.records.is_revoked(CLAIMS)
    for number in (2, 3):
        await known.store.sessions.insert(replace(SESSION, id=f"s{number}"))
    await known.store.sessions.update("s1", ended)
    await known.told()
    two, three = replace(CLAIMS, session="s2"), replace(CLAIMS, session="s3")
    assert [await known.records.is_revoked(one) for one in (CLAIMS, two, three)] == [True, False, False]
    await known.store.people.update("p1", lambda one, _now: with_password(one, "h", epoch=0, session="s3"))
    await known.told()
    assert [await known.records.is_revoked(one) for one in (CLAIMS, two, three)] == [True, True, False]
    await known.store.people.update("p1", lambda one, _now: left(one, "t1"))
    await known.told()
    assert [await known.records.is_revoked(one) for one in (CLAIMS, two, three)] == [True, True, True]


async def test_what_was_told_of_a_key_holds_for_ten_minutes_unless_it_is_told_anew(told: Known):
    await begin(told)
    told.clock.now = T0 + TOLD_S - 0.001
    assert await told.records.key("k1") is not None
    told.clock.now = T0 + TOLD_S
    assert await told.records.key("k1") is None
    await Teller(told.store, told.bus, told.clock).tell()
    await told.told()
    assert await told.records.key("k1") is not None
    told.clock.now += TOLD_S
    assert await told.records.key("k1") is None


async def test_whoever_hears_for_the_first_time_is_told_everything_but_revoked_keys(told: Known):
    await begin(told)
    for number in range(2, 8):
        await told.store.people.insert(replace(PERSON, id=f"p{number}", name_key=f"ann{number}"))
        await told.store.keys.insert(replace(KEY, id=f"k{number}", person=f"p{number}"))
    await told.store.keys.update("k4", revoked)
    await told.store.clear([message.id for message in await told.store.pending(100)])
    await Teller(told.store, told.bus, told.clock).tell()
    await told.told()
    found = [await told.records.key(f"k{number}") is not None for number in range(1, 8)]
    assert found == [True, True, True, False, True, True, True]


async def test_the_use_of_a_key_is_told_once_an_hour(told: Known):
    for now in (T0, T0 + 1, T0 + 3_600):
        told.clock.now = now
        await told.records.used("k1")
    assert [parse(message.body).data.at for message in told.bus.published] == [T0, T0 + 3_600]
