"""One try to sign in with a provider, between leaving this platform and coming back. Pure.

The browser keeps it, in a cookie that no script and no other site can read or write: so nothing is kept here of people
who never come back, and any replica takes whoever comes. Each part has 256 random bits.
"""

import hmac
from dataclasses import dataclass

from shared.errors import Unauthenticated

SEPARATOR = "~"
PARTS = 3
MAX_LENGTH = 400
LIFETIME_S = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """state: comes back with the answer. nonce: comes back in the ID token. verifier: of PKCE, proves that whoever
    redeems the code is the one who asked for it."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the provider sent the browser back with. issuer: who says so, where it says it (RFC 9207)."""

    code: str
    state: str
    issuer: str | None = None


def cookie_of(attempt: Attempt) -> str:
    return SEPARATOR.join((attempt.state, attempt.nonce, attempt.verifier))


def attempt_in(cookie: str, answer: Answer) -> Attempt:
    """The attempt that the browser kept, to which this is the answer. Raises Unauthenticated."""
    parts = cookie.split(SEPARATOR)
    if len(cookie) > MAX_LENGTH or len(parts) != PARTS or not all(parts):
        raise _not_ours()
    attempt = Attempt(state=parts[0], nonce=parts[1], verifier=parts[2])
    if not hmac.compare_digest(attempt.state.encode(), answer.state.encode()):
        raise _not_ours()
    return attempt


def _not_ours() -> Unauthenticated:
    return Unauthenticated("this sign-in did not begin in this browser, or too long ago: begin again")
