"""How callers are known: by the name that they give, or by what the accounts service gave them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Protocol

from cachetools import LRUCache

from shared.clock import Clock
from shared.errors import Forbidden, Invalid, QuorateError, Unauthenticated
from shared.identity import HEADER, LOCAL, Caller, identified
from shared.identity.keys import KEY_PREFIX, key_id_of
from shared.identity.records import Records
from shared.identity.tokens import Claims, Verifier
from shared.steady_clock import wall_of

ACCESS_COOKIE = "__Host-quorate-access"
SESSION_COOKIE = "__Host-quorate-session"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
PAGE_HEADER = b"x-quorate-request"
"""A page of another site cannot send it."""
TOKENS_CACHED = 4_096
MAX_HEADER_REMEMBERED = 6_000
"""A header with a token of the greatest length, and other cookies."""
KNOWN_S = 0.5
"""For so long a replica goes by what it last read of a key or a session: a revoked one ends within a second."""
UNCHANGED_S = 5.0
"""For so long where it knows that no key, session or person has changed: what ends by itself ends so much later."""
NOTED_S = 60.0
"""So often it is noted that a key is used; what is kept is the hour."""

Headers = Mapping[bytes, bytes]


class Authenticator(Protocol):
    """Knows callers by the headers of their requests."""

    async def who(self, method: str, headers: Headers) -> Caller | QuorateError:
        """Who sends this; else why nobody knows: Unauthenticated, Forbidden where the page did not send it, Invalid, or
        Unavailable. Routes that ask for nobody are served all the same."""
        ...

    def named(self, caller: Caller, user: str) -> Caller:
        """The caller of a request whose body names them. Raises Forbidden where it names somebody else, and Invalid."""
        ...


class Trusting:
    """Authentication off: callers are who they say they are."""

    async def who(self, method: str, headers: Headers) -> Caller | QuorateError:  # noqa: ARG002
        try:
            return identified(headers[HEADER].decode("latin-1") if HEADER in headers else LOCAL)
        except Invalid as refusal:
            return refusal

    def named(self, caller: Caller, user: str) -> Caller:  # noqa: ARG002
        return identified(user)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A caller, as they were read at some time and revision of the records; until `ends_at` at the most."""

    caller: Caller
    read_at: float
    revision: int | None
    ends_at: float

    def holds(self, now: float, revision: int | None) -> bool:
        is_unchanged = revision is not None and revision == self.revision
        return now < self.ends_at and now < self.read_at + (UNCHANGED_S if is_unchanged else KNOWN_S)


class Accounts:
    """Callers with an access token, a session of the page, or a key, verified here alone.

    A token is checked once and remembered; whether its session or a key was revoked is read anew every half second, or
    every five where nothing has changed. Until then a caller is found by the header as it was sent, of which nothing is
    parsed again.
    """

    def __init__(self, verifier: Verifier, records: Records, clock: Clock) -> None:
        self._verifier = verifier
        self._records = records
        self._clock = clock
        self._wall = wall_of(clock)
        self._claims: LRUCache[str, Claims] = LRUCache(TOKENS_CACHED)
        self._callers: dict[tuple[bool, bytes], _Known] = {}
        self._noted: LRUCache[str, float] = LRUCache(TOKENS_CACHED)

    async def who(self, method: str, headers: Headers) -> Caller | QuorateError:
        if HEADER in headers:
            return Forbidden("X-Quorate-User names nobody here: sign in, or send a key")
        authorization = headers.get(b"authorization")
        is_cookie = authorization is None
        sent = headers.get(b"cookie", b"") if authorization is None else authorization
        try:
            if is_cookie and method not in SAFE and ACCESS_COOKIE.encode() in sent:
                refuse_unless_page(headers)
            return await self._known(sent, is_cookie=is_cookie)
        except QuorateError as refusal:
            return refusal

    def named(self, caller: Caller, user: str) -> Caller:
        if user != caller.id:
            raise Forbidden("userId names somebody else: it has to be your own id")
        return caller

    async def _known(self, sent: bytes, *, is_cookie: bool) -> Caller:
        now, revision = self._clock(), self._records.revision
        known = self._callers.get((is_cookie, sent))
        if known is not None and known.holds(now, revision):
            return known.caller
        credential = _token_of_cookie(sent) if is_cookie else _bearer(sent)
        read = self._by_key if _is_key(credential) else self._by_token
        caller, ends_at = await read(credential, now)
        self._remember((is_cookie, sent), _Known(caller=caller, read_at=now, revision=revision, ends_at=ends_at))
        return caller

    def _remember(self, header: tuple[bool, bytes], known: _Known) -> None:
        """For so short a time that all may be forgotten when there are many."""
        if len(self._callers) >= TOKENS_CACHED:
            self._callers.clear()
        if len(header[1]) <= MAX_HEADER_REMEMBERED:
            self._callers[header] = known

    async def _by_token(self, token: str, now: float) -> tuple[Caller, float]:
        """The caller, and when the token ends by the time of this process."""
        wall = self._wall()
        claims = self._claims.get(token) or self._verifier.verified(token, wall)
        self._claims[token] = claims
        if wall >= claims.expires_at or await self._records.is_revoked(claims):
            raise _unknown()
        caller = Caller(claims.person, claims.roles, claims.team, claims.name, claims.session)
        return caller, now + claims.expires_at - wall

    async def _by_key(self, text: str, now: float) -> tuple[Caller, float]:
        """The caller, and when the key ends."""
        found = await self._records.key(key_id_of(text))
        if found is None or not found.opens_to(text, now):
            raise _unknown()
        if self._noted.get(found.id, 0.0) <= now:
            self._noted[found.id] = now + NOTED_S
            await self._records.used(found.id)
        caller = Caller(found.person, found.roles, found.team, found.name, found.id)
        return caller, math.inf if found.expires_at is None else found.expires_at


def _is_key(credential: str) -> bool:
    return credential.startswith(KEY_PREFIX)


def _bearer(authorization: bytes) -> str:
    """The token or key of the header Authorization. Raises Unauthenticated."""
    scheme, _, given = authorization.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not given.strip():
        raise _unknown()
    return given.strip()


def _token_of_cookie(cookies: bytes) -> str:
    """The access token of the page, which the browser adds by itself. Raises Unauthenticated."""
    token = _cookie_in(cookies, ACCESS_COOKIE)
    if not token or _is_key(token):
        raise _unknown()
    return token


def refuse_unless_page(headers: Headers) -> None:
    """Raises Forbidden where the page did not send this: a browser adds cookies to whatever asks."""
    if PAGE_HEADER not in headers:
        raise Forbidden("a change that a session makes needs the header X-Quorate-Request")


def cookie_of(headers: Headers, name: str) -> str:
    """A cookie of a request; empty where there is none."""
    return _cookie_in(headers.get(b"cookie", b""), name)


def _cookie_in(cookies: bytes, name: str) -> str:
    if name.encode() not in cookies:
        return ""
    try:
        found = SimpleCookie(cookies.decode("latin-1")).get(name)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _unknown() -> Unauthenticated:
    return Unauthenticated("sign in, or send a key that is valid: Authorization: Bearer qk_...")
