"""Who tries passwords, and what is counted of it; people at the doors at once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.accounts import handlers, people, signing_in
from services.accounts.consumers import NOTED
from services.accounts.handlers import Background, Resources
from services.accounts.part import BY_ADDRESS, BY_NAME
from services.accounts.settings import AccountSettings
from services.accounts.signing_in import SignedIn
from services.accounts.throttle import Throttle
from shared.arrivals import Arrivals
from shared.bus.sqlite import SqliteBus
from shared.errors import Conflict, Forbidden, Gone, TooMany, Unauthenticated, Unavailable
from shared.identity.tokens import Signer, new_key
from shared.outbox import Relay
from tests.contract.adapters import sqlite_accounts


class FakePasswords:
    """Passwords that are kept as they are, and a note of who was asked for."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []
        self.is_busy = False

    async def hashed(self, password: str) -> str:
        return password

    async def is_right(self, password: str, password_hash: str | None) -> bool:
        self.asked.append(password_hash)
        if self.is_busy:
            raise Unavailable("busy")
        return password == password_hash

    async def close(self) -> None: ...


@pytest.fixture
async def resources(tmp_path: Path) -> AsyncIterator[Resources]:
    async with sqlite_accounts(tmp_path) as stored:
        bus = SqliteBus(tmp_path / "bus.sqlite", stored.clock)
        await bus.open()
        relay = Relay(stored.store, bus)
        relay.start()
        made = Resources(
            store=stored.store,
            relay=relay,
            arrivals=Arrivals(bus, NOTED, [relay]),
            clock=_ticking(stored.clock),
            signer=Signer(new_key("one")),
            passwords=FakePasswords(),
            lifetimes=AccountSettings().lifetimes,
            by_name=Throttle(BY_NAME),
            by_address=Throttle(BY_ADDRESS),
            background=Background(),
        )
        yield made
        await made.background.close()
        await relay.close()
        await bus.close()


def _ticking(clock):
    def now() -> float:
        clock.now += 0.001
        return clock.now

    return now


async def admin(resources: Resources, name: str = "Ann") -> SignedIn:
    """The first admin."""
    link = await handlers.prepare(resources)
    assert link is not None
    return await by_link(resources, link, name)


async def by_link(resources: Resources, link: str, name: str) -> SignedIn:
    return await signing_in.take_link(
        resources, link=link, name=name, password="correct horse", cookie="", address="::1"
    )


async def sign_in(resources: Resources, name: str, password: str = "wrong", address: str = "1.2.3.4") -> SignedIn:
    return await signing_in.sign_in(resources, name=name, password=password, address=address)


async def invited(resources: Resources, by: SignedIn, *roles: str) -> str:
    doer = handlers.as_doer(by.person, "first", "")
    return (await people.invite(resources, doer, list(roles)))[1]


async def test_tries_are_counted_by_address_whatever_the_names(resources: Resources):
    await admin(resources)
    for number in range(BY_ADDRESS.tries):
        with pytest.raises(Unauthenticated):
            await sign_in(resources, f"name {number}", address=f"2001:db8::{number:x}")
    with pytest.raises(TooMany):
        await sign_in(resources, "Ann", "correct horse", address="2001:db8::ffff")
    await sign_in(resources, "Ann", "correct horse", address="2001:db8:1::1")


async def test_a_password_is_looked_at_whoever_is_named_and_right_ones_are_not_counted(resources: Resources):
    await admin(resources)
    resources.passwords.asked.clear()
    for _ in range(3 * BY_ADDRESS.tries):
        await sign_in(resources, "ann", "correct horse")
    with pytest.raises(Unauthenticated):
        await sign_in(resources, "nobody")
    assert resources.passwords.asked[-2:] == ["correct horse", None]


async def test_many_tries_at_once_are_as_many(resources: Resources):
    await admin(resources)
    tries = [sign_in(resources, "Ann", f"wrong {number}", f"10.0.0.{number}") for number in range(30)]
    answers = [type(one) for one in await asyncio.gather(*tries, return_exceptions=True)]
    assert answers.count(Unauthenticated) == BY_NAME.tries
    assert answers.count(TooMany) == 30 - BY_NAME.tries


async def test_a_try_that_nobody_looked_at_is_not_counted(resources: Resources):
    await admin(resources)
    resources.passwords.is_busy = True
    for _ in range(2 * BY_NAME.tries):
        with pytest.raises(Unavailable):
            await sign_in(resources, "Ann", "correct horse")
    resources.passwords.is_busy = False
    await sign_in(resources, "Ann", "correct horse")


async def test_one_of_many_who_come_by_one_link_gets_in(resources: Resources):
    await handlers.prepare(resources)
    link = await handlers.prepare(resources)
    assert link is not None
    answers = await asyncio.gather(
        *(by_link(resources, link, f"Ann {number}") for number in range(8)), return_exceptions=True
    )
    assert [type(one) for one in answers if isinstance(one, BaseException)] == [Gone] * 7
    assert len(await resources.store.members("first", after="", limit=10)) == 1
    assert await handlers.prepare(resources) is None


async def test_one_of_many_with_one_name_gets_it_and_the_other_links_stay_good(resources: Resources):
    ann = await admin(resources)
    links = [await invited(resources, ann, "client") for _ in range(4)]
    await asyncio.gather(*(by_link(resources, link, "Bob") for link in links), return_exceptions=True)
    found = await resources.store.members("first", after="", limit=10)
    assert [one.name for one in found] == ["Ann", "Bob"]
    assert len(await people.invitations(resources, "first")) == 3


async def test_two_admins_who_demote_each_other_leave_one(resources: Resources):
    ann = await admin(resources)
    bob = await by_link(resources, await invited(resources, ann, "admin"), "Bob")
    answers = await asyncio.gather(
        *(
            people.change_member(
                resources, handlers.as_doer(by.person, "first", ""), to.person.id, roles=["client"], is_active=None
            )
            for by, to in ((ann, bob), (bob, ann))
        ),
        return_exceptions=True,
    )
    assert [type(one) for one in answers if isinstance(one, BaseException)] == [Conflict]
    team = await resources.store.teams.find("first")
    found = await resources.store.members("first", after="", limit=10)
    assert team.admins == tuple(one.id for one in found if "admin" in one.memberships[0].roles)
    assert len(team.admins) == 1


async def test_who_was_demoted_and_made_admin_again_is_on_the_list(resources: Resources):
    ann = await admin(resources)
    bob = await by_link(resources, await invited(resources, ann, "admin"), "Bob")
    doer = handlers.as_doer(ann.person, "first", "")
    for roles in (["client"], ["admin", "client"]):
        await people.change_member(resources, doer, bob.person.id, roles=roles, is_active=None)
    assert set((await resources.store.teams.find("first")).admins) == {ann.person.id, bob.person.id}
    with pytest.raises(Forbidden):
        await people.remove_member(resources, doer, ann.person.id)
    await people.remove_member(resources, doer, bob.person.id)
    assert (await resources.store.teams.find("first")).admins == (ann.person.id,)
