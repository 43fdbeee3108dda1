"""How callers are known, and how seldom anybody has to be asked."""

from dataclasses import replace

import pytest

from shared.errors import Forbidden, Unauthenticated
from shared.identity import Caller
from shared.identity import authenticator as module
from shared.identity.authenticator import ACCESS_COOKIE, KNOWN_S, UNCHANGED_S, Accounts
from shared.identity.keys import digest_of, key_of
from shared.identity.records import KeyRecord
from shared.identity.tokens import Claims

KEY = key_of("A" * 12, "b" * 32)
RECORD = KeyRecord(id="A" * 12, digest=digest_of(KEY), person="ann", name="Ann", team="first", roles=("operator",))
BY_KEY = {b"authorization": f"Bearer {KEY}".encode()}
BY_COOKIE = {b"cookie": f"other=1; {ACCESS_COOKIE}=token".encode()}
PAGE = {b"x-quorate-request": b"1"}
CLAIMS = Claims(person="ann", name="Ann", team="first", roles=("client",), session="page", epoch=0, expires_at=2_000.0)


class World:
    """The records of keys and sessions, a verifier, and a clock; counts how often each was asked."""

    def __init__(self, revision: int | None = 1) -> None:
        self.now, self.revision, self.record, self.is_over = 1_000.0, revision, RECORD, False
        self.read = self.verified_tokens = self.noted = 0
        self.accounts = Accounts(self, self, lambda: self.now)

    async def key(self, _key_id: str) -> KeyRecord | None:
        self.read += 1
        return self.record

    async def is_revoked(self, _session: str) -> bool:
        self.read += 1
        return self.is_over

    async def used(self, _key_id: str) -> None:
        self.noted += 1

    def verified(self, token: str, _now: float) -> Claims:
        self.verified_tokens += 1
        if token != "token":
            raise Unauthenticated("forged")
        return CLAIMS

    async def who(self, headers: dict[bytes, bytes], method: str = "GET") -> Caller | type[Exception]:
        known = await self.accounts.who(method, headers)
        return known if isinstance(known, Caller) else type(known)


async def test_keys_and_cookies_say_who_it_is():
    world = World()
    assert await world.who(BY_KEY) == Caller("ann", ("operator",), "first", "Ann", "A" * 12)
    assert await world.who(BY_COOKIE) == Caller("ann", ("client",), "first", "Ann", "page")


@pytest.mark.parametrize("asked", [BY_KEY, BY_COOKIE])
async def test_nothing_is_read_again_while_nothing_has_changed(asked):
    world = World()
    for step in range(40):
        world.now = 1_000 + step * UNCHANGED_S / 40
        assert isinstance(await world.who(asked), Caller)
    assert (world.read, world.verified_tokens, world.noted) in [(1, 0, 1), (1, 1, 0)]
    world.now += UNCHANGED_S
    await world.who(asked)
    assert world.read == 2


@pytest.mark.parametrize("asked", [BY_KEY, BY_COOKIE])
@pytest.mark.parametrize("revision", [1, None])
async def test_what_was_revoked_ends_within_half_a_second(asked, revision):
    world = World(revision)
    await world.who(asked)
    world.record, world.is_over = None, True
    world.revision = None if revision is None else 2
    world.now += KNOWN_S
    assert await world.who(asked) is Unauthenticated


async def test_where_others_write_it_is_read_every_half_second_and_no_oftener():
    world = World(revision=None)
    for step in range(100):
        world.now = 1_000 + step * 0.01
        await world.who(BY_KEY)
    assert world.read == 2


async def test_a_key_and_a_token_end_when_they_said():
    world = World()
    world.record = replace(RECORD, expires_at=1_001.0)
    world.now = 1_000.9
    assert isinstance(await world.who(BY_KEY), Caller)
    world.now = 1_001.0
    assert await world.who(BY_KEY) is Unauthenticated
    world.now = 1_999.9
    assert isinstance(await world.who(BY_COOKIE), Caller)
    world.now = 2_000.0
    assert await world.who(BY_COOKIE) is Unauthenticated


async def test_that_a_key_is_used_is_noted_once_a_minute():
    world = World()
    for step in range(12):
        world.now = 1_000 + 10 * step
        await world.who(BY_KEY)
    assert (world.read, world.noted) == (12, 2)


async def test_a_change_by_a_cookie_needs_the_header_of_the_page_each_time():
    world = World()
    assert await world.who(BY_COOKIE | PAGE, "POST") == await world.who(BY_COOKIE)
    assert await world.who(BY_COOKIE, "POST") is Forbidden
    assert await world.who({b"cookie": b"other=1"}, "POST") is Unauthenticated


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"authorization": b""},
        {b"authorization": b"Basic YTpi"},
        {b"authorization": b"Bearer "},
        {b"authorization": b"Bearer forged"},
        {b"authorization": b"Bearer \xff\xfe"},
        {b"authorization": KEY.encode()},
        {b"authorization": b"Bearer forged"} | BY_COOKIE,
        {b"cookie": f"{ACCESS_COOKIE}={KEY}".encode()},
        {b"cookie": f"x{ACCESS_COOKIE}=token".encode()},
        {b"cookie": BY_KEY[b"authorization"]},
    ],
)
async def test_anything_else_is_nobody(headers):
    world = World()
    for _ in range(2):
        assert await world.who(headers) is Unauthenticated
    assert await world.who(BY_KEY | {b"x-quorate-user": b"ben"}) is Forbidden


async def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "TOKENS_CACHED", 10)
    world = World()
    for number in range(25):
        await world.who({b"cookie": BY_COOKIE[b"cookie"] + f"; n={number}".encode()})
    assert len(world.accounts._callers) <= 10
    await world.who({b"cookie": BY_COOKIE[b"cookie"] + b"; long=" + b"x" * 10_000})
    assert max(len(header) for _, header in world.accounts._callers) < 10_000
