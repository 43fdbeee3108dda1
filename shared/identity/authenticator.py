"""How callers are known: by the name that they give, or by what the accounts service gave them."""

import hashlib
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Protocol

from cachetools import LRUCache

from shared.clock import Clock
from shared.errors import Forbidden, Unauthenticated
from shared.identity import HEADER, LOCAL, Caller, identified
from shared.identity.keys import KEY_PREFIX, key_id_of
from shared.identity.records import Records
from shared.identity.tokens import Claims, Verifier

ACCESS_COOKIE = "__Host-quorate-access"
SESSION_COOKIE = "__Host-quorate-session"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
PAGE_HEADER = b"x-quorate-request"
"""A page of another site cannot send it."""
TOKENS_CACHED = 4_096
KNOWN_S = 0.5
"""For so long a replica goes by what it last read of a key or a session: a revoked one ends within a second."""

Headers = Mapping[bytes, bytes]


class Authenticator(Protocol):
    """Knows callers by the headers of their requests."""

    async def caller(self, method: str, headers: Headers) -> Caller:
        """Who sends this. Raises Unauthenticated, Forbidden where the page did not send it, and Invalid."""
        ...

    async def named(self, method: str, headers: Headers, user: str) -> Caller:
        """The same where the body of the request names them. Raises Forbidden, too, where it names somebody else."""
        ...

    def holder(self, headers: Headers) -> str:
        """A name under which what the caller holds is counted, before they are known."""
        ...


class Trusting:
    """Authentication off: callers are who they say they are."""

    async def caller(self, method: str, headers: Headers) -> Caller:  # noqa: ARG002
        return identified(self.holder(headers))

    async def named(self, method: str, headers: Headers, user: str) -> Caller:  # noqa: ARG002
        return identified(user)

    def holder(self, headers: Headers) -> str:
        return headers[HEADER].decode("latin-1") if HEADER in headers else LOCAL


class Accounts:
    """Callers with an access token, a session of the page, or a key, verified here alone.

    A token is checked once and remembered; whether its session or a key was revoked is read anew every half second.
    """

    def __init__(self, verifier: Verifier, records: Records, clock: Clock) -> None:
        self._verifier = verifier
        self._records = records
        self._clock = clock
        self._claims: LRUCache[str, Claims] = LRUCache(TOKENS_CACHED)
        self._callers: LRUCache[str, tuple[float, Caller]] = LRUCache(TOKENS_CACHED)

    async def caller(self, method: str, headers: Headers) -> Caller:
        if HEADER in headers:
            raise Forbidden("X-Quorate-User names nobody here: sign in, or send a key")
        credential, is_cookie = _credential(headers)
        if is_cookie and method not in SAFE:
            refuse_unless_page(headers)
        now = self._clock()
        until, caller = self._callers.get(credential, (0.0, None))
        if caller is not None and now < until:
            return caller
        caller = await (self._by_key(credential, now) if _is_key(credential) else self._by_token(credential, now))
        self._callers[credential] = (now + KNOWN_S, caller)
        return caller

    async def named(self, method: str, headers: Headers, user: str) -> Caller:
        caller = await self.caller(method, headers)
        if user != caller.id:
            raise Forbidden("userId names somebody else: it has to be your own id")
        return caller

    def holder(self, headers: Headers) -> str:
        try:
            credential, _ = _credential(headers)
        except Unauthenticated:
            return ""
        return hashlib.sha256(credential.encode()).hexdigest()[:16]

    async def _by_token(self, token: str, now: float) -> Caller:
        claims = self._claims.get(token) or self._verifier.verified(token, now)
        self._claims[token] = claims
        if now >= claims.expires_at or await self._records.is_revoked(claims):
            raise _unknown()
        return Caller(claims.person, claims.roles, claims.team, claims.name, claims.session)

    async def _by_key(self, text: str, now: float) -> Caller:
        found = await self._records.key(key_id_of(text))
        if found is None or not found.opens_to(text, now):
            raise _unknown()
        await self._records.used(found.id)
        return Caller(found.person, found.roles, found.team, found.name, found.id)


def _is_key(credential: str) -> bool:
    return credential.startswith(KEY_PREFIX)


def _credential(headers: Headers) -> tuple[str, bool]:
    """The token or key of a request, and whether the browser added it by itself. Raises Unauthenticated."""
    scheme, _, given = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme:
        if scheme.lower() != "bearer" or not given.strip():
            raise _unknown()
        return given.strip(), False
    token = cookie_of(headers, ACCESS_COOKIE)
    if not token or _is_key(token):
        raise _unknown()
    return token, True


def refuse_unless_page(headers: Headers) -> None:
    """Raises Forbidden where the page did not send this: a browser adds cookies to whatever asks."""
    if PAGE_HEADER not in headers:
        raise Forbidden("a change that a session makes needs the header X-Quorate-Request")


def cookie_of(headers: Headers, name: str) -> str:
    """A cookie of a request; empty where there is none."""
    try:
        found = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1")).get(name)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _unknown() -> Unauthenticated:
    return Unauthenticated("sign in, or send a key that is valid: Authorization: Bearer qk_...")
