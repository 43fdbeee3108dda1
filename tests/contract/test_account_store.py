"""What every store of accounts promises."""

import asyncio
from dataclasses import replace

import pytest

from services.accounts.audit_listing import AuditListing
from services.accounts.credentials import Invitation, Key, Session, revoked, taken
from services.accounts.device import MAX_GUESSES, DeviceRequest, Guesses, collected, guessing
from services.accounts.domain import Identity, Membership, Person, Team, joined, left, without_admin
from services.accounts.erasure import ErasedPerson, done_by, told
from shared.audit import AuditEntry, entry_id
from shared.errors import Conflict, Gone, NotFound, TooMany, Unavailable
from shared.identity.keys import digest_of
from tests.contract.adapters import T0

TEAM = Team(id="first", name="First team", created_at=T0, admins=("a", "b"))


def person(number: int, *teams: str, **changes) -> Person:
    memberships = tuple(Membership(team=team, roles=("operator",)) for team in teams)
    name = f"ann {number:03d}"
    made = Person(id=f"p{number:03d}", name=name, name_key=name, created_at=T0, memberships=memberships)
    return replace(made, **changes)


def key(number: int, **changes) -> Key:
    made = Key(
        id=f"k{number:03d}",
        digest="d",
        person="p001",
        name="a.b $set",
        team="first",
        roles=("client", "operator"),
        created_at=T0,
        expires_at=T0 + 5,
    )
    return replace(made, **changes)


def invitation(number: int, **changes) -> Invitation:
    made = Invitation(
        id=f"i{number}",
        digest=digest_of("secret"),
        team="first",
        roles=("client",),
        made_by="p1",
        created_at=T0,
        expires_at=T0 + 10 + number,
    )
    return replace(made, **changes)


def session(number: int, **changes) -> Session:
    made = Session(
        id=f"s{number}", digest="d", person="p001", team="first", epoch=2, created_at=T0 + number, used_at=T0
    )
    return replace(made, **changes)


def device(number: int, **changes) -> DeviceRequest:
    made = DeviceRequest(
        id=f"d{number}",
        digest=digest_of("secret"),
        client="a.b $set",
        address="::1",
        created_at=T0,
        expires_at=T0 + number,
    )
    return replace(made, **changes)


async def test_everything_is_found_as_it_was_saved(accounts):
    store = accounts.store
    for kept, state in (
        (store.teams, TEAM),
        (store.people, person(1, "first", "other", password_hash="h", epoch=3)),
        (store.sessions, session(1, ended_at=T0 + 5)),
        (store.keys, key(1, used_at=T0, revoked_at=T0 + 1)),
        (store.invitations, invitation(1, kind="first-admin", used_by="p", revoked_at=T0)),
        (store.devices, device(1, wanted=("client",), state="approved", person="p", team="t", roles=("client",))),
        (store.guesses, Guesses(id="p001", at=(T0, T0 + 0.5))),
    ):
        with pytest.raises(NotFound):
            await kept.find(state.id)
        assert await kept.insert(state)
        assert await kept.find(state.id) == state
        assert not await kept.insert(state), "once"
        assert await kept.find(state.id) == state


async def test_a_name_belongs_to_one_person_whoever_is_first(accounts):
    store = accounts.store
    assert not await store.has_people()
    asked = [person(number, "first", name_key="ann") for number in range(10)]
    saved = await asyncio.gather(*(store.people.insert(one) for one in asked))
    assert sum(saved) == 1
    first = asked[saved.index(True)]
    assert await store.person_named("ann") == first
    assert await store.person_named("bob") is None
    assert await store.has_people()
    assert await store.members("first", after="", limit=100) == [first]


async def test_whom_a_provider_knows_is_one_person_whoever_is_first(accounts):
    store = accounts.store
    for number in (50, 51):
        assert await store.people.insert(person(number, "first")), "people with a password have no identity"
    ann = Identity(issuer="https://id.example", subject="a.b $set")
    asked = [person(number, "first", identity=ann) for number in range(10)]
    saved = await asyncio.gather(*(store.people.insert(one) for one in asked))
    assert sum(saved) == 1
    first = asked[saved.index(True)]
    assert await store.person_known_as(ann) == first
    for other in (replace(ann, issuer="https://else.example"), replace(ann, subject="A.B $set")):
        assert await store.person_known_as(other) is None
        assert await store.people.insert(person(20 + len(other.issuer), "first", identity=other))
    await store.people.update(first.id, lambda one, _now: replace(one, identity=None))
    assert await store.person_known_as(ann) is None
    assert await store.people.insert(person(30, "first", identity=ann)), "it is free again"


async def test_a_change_is_asked_with_the_time_and_a_refusal_saves_nothing(accounts):
    store = accounts.store
    await store.teams.insert(TEAM)
    accounts.clock.now = T0 + 7
    after = await store.teams.update("first", lambda team, now: replace(team, created_at=now))
    assert after == await store.teams.find("first") == replace(TEAM, created_at=T0 + 7)
    with pytest.raises(NotFound):
        await store.teams.update("other", lambda team, _now: team)
    for gone in ("a", "b"):
        try:
            await store.teams.update("first", lambda team, _now, gone=gone: without_admin(team, gone))
        except Conflict:
            assert gone == "b"
    assert (await store.teams.find("first")).admins == ("b",)


async def test_of_two_admins_who_take_each_other_off_one_stays(accounts):
    store = accounts.store
    await store.teams.insert(TEAM)
    done = await asyncio.gather(
        *(store.teams.update("first", lambda team, _now, one=one: without_admin(team, one)) for one in "ab"),
        return_exceptions=True,
    )
    assert [type(one) for one in done if isinstance(one, Exception)] == [Conflict]
    assert len((await store.teams.find("first")).admins) == 1


async def test_a_link_is_taken_once_whoever_is_first(accounts):
    store = accounts.store
    await store.invitations.insert(invitation(1))
    done = await asyncio.gather(
        *(
            store.invitations.update("i1", lambda one, now, by=f"p{by}": taken(one, "secret", by, now))
            for by in range(10)
        ),
        return_exceptions=True,
    )
    [first] = [one for one in done if isinstance(one, Invitation)]
    assert await store.invitations.find("i1") == first


async def test_members_come_by_name_and_go_when_they_leave(accounts):
    store = accounts.store
    for number in (3, 1, 2):
        await store.people.insert(person(number, "first", "other"))
    await store.people.insert(person(4, "other"))
    await store.people.update("p002", lambda one, _now: left(one, "first"))
    await store.people.update("p004", lambda one, _now: joined(one, "first", ("client",)))
    found = await store.members("first", after="", limit=2)
    assert [one.id for one in found] == ["p001", "p003"]
    found = await store.members("first", after=found[-1].name_key, limit=2)
    assert [one.id for one in found] == ["p004"]
    assert len(await store.members("other", after="", limit=10)) == 4
    assert await store.members("none", after="", limit=10) == []


async def test_keys_come_by_team_and_person_until_they_are_revoked(accounts):
    store = accounts.store
    for number in (3, 1, 2):
        await store.keys.insert(key(number, person="p002" if number == 3 else "p001"))
    await store.keys.insert(key(4, team="other"))
    assert [one.id for one in await store.keys_of("first", "p001", 10)] == ["k001", "k002"]
    await store.keys.update("k001", revoked)
    assert [one.id for one in await store.keys_of("first", "p001", 10)] == ["k002"]
    assert [one.id for one in await store.keys_in("first", after="", limit=10)] == ["k002", "k003"]
    assert [one.id for one in await store.keys_in("first", after="k002", limit=10)] == ["k003"]
    assert (await store.keys.find("k001")).revoked_at == T0


async def test_invitations_are_open_until_they_are_used_withdrawn_or_expire(accounts):
    store = accounts.store
    for number in range(4):
        await store.invitations.insert(invitation(number))
    await store.invitations.insert(invitation(5, team="other"))
    await store.invitations.update("i1", lambda one, now: taken(one, "secret", "p", now))
    await store.invitations.update("i2", lambda one, now: replace(one, revoked_at=now))
    open_now = await store.open_invitations("first", now=T0, limit=10)
    assert [one.id for one in open_now] == ["i0", "i3"]
    assert [one.id for one in await store.open_invitations("first", now=T0 + 11, limit=10)] == ["i3"]
    await store.invitations.update("i1", lambda one, _now: replace(one, used_by=None))
    assert len(await store.open_invitations("first", now=T0, limit=10)) == 3


async def test_sessions_that_began_long_ago_are_forgotten(accounts):
    store = accounts.store
    for number in range(5):
        await store.sessions.insert(session(number))
    await store.forget_sessions(begun_before=T0 + 3, limit=2)
    await store.forget_sessions(begun_before=T0 + 3, limit=2)
    await store.forget_sessions(begun_before=T0 + 3, limit=2)
    for number in range(5):
        if number < 3:
            with pytest.raises(NotFound):
                await store.sessions.find(f"s{number}")
        else:
            await store.sessions.find(f"s{number}")


async def test_a_program_is_given_its_key_once_however_many_ask_at_once(accounts):
    store = accounts.store
    approved = device(600, state="approved", person="p", team="t", roles=("client",))
    await store.devices.insert(approved)

    async def collect() -> bool:
        try:
            after = await store.devices.update(approved.id, lambda one, now: collected(one, "secret", now))
        except Gone:
            return False
        return after.is_collected

    assert sum(await asyncio.gather(*(collect() for _ in range(8)))) == 1


async def test_guesses_of_a_person_are_counted_however_many_come_at_once(accounts):
    store = accounts.store
    await store.guesses.insert(Guesses(id="p001"))
    assert not await store.guesses.insert(Guesses(id="p001"))

    async def guess() -> bool:
        try:
            await store.guesses.update("p001", guessing)
        except TooMany:
            return False
        return True

    assert sum(await asyncio.gather(*(guess() for _ in range(MAX_GUESSES + 5)))) == MAX_GUESSES
    assert len((await store.guesses.find("p001")).at) == MAX_GUESSES


async def test_requests_of_programs_that_have_expired_are_forgotten(accounts):
    store = accounts.store
    for number in range(5):
        await store.devices.insert(device(number))
    for _ in range(3):
        await store.forget_devices(expired_before=T0 + 3, limit=2)
    for number in range(3):
        with pytest.raises(NotFound):
            await store.devices.find(f"d{number}")
    for number in (3, 4):
        await store.devices.find(f"d{number}")


async def test_entries_come_newest_first_by_team_actor_action_object_and_time(accounts):
    store = accounts.store
    made = [
        AuditEntry(
            id=entry_id(T0 + number, "0" * 8),
            at=T0 + number,
            actor=f"p{number % 2}",
            actor_name="Ann",
            action="key.make" if number % 3 else "key.revoke",
            object=f"k{number % 4}",
            team="first" if number < 8 else "other",
            address="127.0.0.1",
        )
        for number in range(10)
    ]
    for entry in made:
        await store.append(entry)

    async def found(**wanted) -> list[AuditEntry]:
        before, limit = wanted.pop("before", ""), wanted.pop("limit", 100)
        return await store.entries("first", AuditListing(**wanted), before=before, limit=limit)

    assert await found() == made[7::-1]
    assert await found(before=made[5].id, limit=2) == [made[4], made[3]]
    assert await found(actor="p1") == [made[7], made[5], made[3], made[1]]
    assert await found(action="key.revoke") == [made[6], made[3], made[0]]
    assert await found(action="key.revoke", actor="p1") == [made[3]]
    assert await found(object="k3") == [made[7], made[3]]
    assert await found(object="k3", action="key.revoke") == [made[3]]
    assert await found(since=T0 + 3, until=T0 + 6) == [made[5], made[4], made[3]]  # from the one on, before the other
    assert await found(since=T0 + 3, until=T0 + 6, before=made[5].id, limit=1) == [made[4]]
    assert await found(since=T0 + 2, until=T0 + 7, before=made[7].id, actor="p1") == [made[5], made[3]]
    assert await found(since=T0 + 5, until=T0 + 5) == []


async def test_erasures_are_found_newest_first_and_unfinished_until_the_accounts_have_done_their_part(accounts):
    store = accounts.store
    for number in range(3):
        await store.erasures.insert(ErasedPerson(id=f"p{number}", pseudonym=f"erased-{number}", erased_at=T0 + number))
    assert [one.id for one in await store.newest_erasures(2)] == ["p2", "p1"]
    await store.erasures.update("p0", lambda one, _now: told(one))
    await store.erasures.update("p1", lambda one, now: done_by(told(one), "accounts", now))
    assert {one.id for one in await store.unfinished_erasures(10)} == {"p0", "p2"}
    after = await store.erasures.update("p1", lambda one, now: done_by(one, "accounts", now + 5))
    assert after.done == (("accounts", T0),), "the first time counts"


def entry(number: int, actor: str) -> AuditEntry:
    return AuditEntry(
        id=entry_id(T0 + number, "0" * 8),
        at=T0 + number,
        actor=actor,
        actor_name="Ann",
        action="key.make",
        object="k",
        team="first",
        address="127.0.0.1",
    )


async def test_the_audit_keeps_what_was_done_by_somebody_who_was_erased_without_their_name(accounts):
    store = accounts.store
    made = [entry(number, "p1" if number % 3 else "p2") for number in range(10)]
    for one in made:
        await store.append(one)
    await store.erasures.insert(ErasedPerson(id="p1", pseudonym="erased-1", erased_at=T0))
    place, turns = "", 0
    while place is not None:
        place, turns = await store.rename_in_audit("p1", "erased-1", after=place, limit=2), turns + 1
    assert turns == 4
    found = await store.entries("first", AuditListing(), before="", limit=100)
    wanted = [replace(one, actor_name="erased-1", address="") if one.actor == "p1" else one for one in made]
    assert found == wanted[::-1]


async def test_what_could_not_be_saved_leaves_what_there_was(accounts):
    store = accounts.store
    await store.teams.insert(TEAM)
    await store.keys.insert(key(1))
    with accounts.failing_commits():
        with pytest.raises(Unavailable):
            await store.keys.update("k001", revoked)
        with pytest.raises(Unavailable):
            await store.people.insert(person(1, "first"))
    assert await store.keys.find("k001") == key(1)
    assert await store.members("first", after="", limit=10) == []


async def test_a_look_at_a_session_or_a_key_costs_one_command_however_many_there_are(accounts):
    store = accounts.store
    for number in range(200):
        await store.sessions.insert(session(number))
        await store.keys.insert(key(number, team=f"t{number % 50}", person=f"p{number}"))
    with accounts.counting() as cost:
        await store.sessions.find("s7")
        await store.keys.find("k007")
        await store.keys_of("t7", "p7", 100)
    assert len(cost.commands) == 3
    assert cost.steps <= 300
