"""The rules of a program that asks for a key, and of the person who answers it by a short code. Pure.

The program keeps a secret, of which the SHA-256 is kept here. The code is what people see and type: short, so whoever
tries codes is slowed down, and a code is good for ten minutes.
"""

from dataclasses import dataclass, replace
from typing import Literal

from services.accounts import credentials
from services.accounts.domain import Person, roles_of
from shared.errors import Conflict, Gone, Invalid, TooMany
from shared.identity.roles import Role

CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so that no code is a word; no digits, which are taken for letters."""
CODE_LENGTH = 8
"""34 bits: of ten tries one in a billion is right, where thirty requests are open."""
REQUEST_S = 600.0
KEY_S = 90 * 86_400.0
ASK_AGAIN_S = 2.0
MAX_GUESSES = 10
GUESSES_WITHIN_S = 600.0

State = Literal["waiting", "approved", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRequest:
    """A program that asks for a key. id: the code; digest: of the program's secret.

    wanted: the roles that the program asks for; none: all that the person has. person, team, roles: who answered, and
    what they gave. is_collected: the program has been given its key.
    """

    id: str
    digest: str
    client: str
    address: str
    created_at: float
    expires_at: float
    wanted: tuple[Role, ...] = ()
    state: State = "waiting"
    person: str | None = None
    team: str | None = None
    roles: tuple[Role, ...] = ()
    is_collected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Guesses:
    """When somebody named codes that led nowhere, of late. id: a person."""

    id: str
    at: tuple[float, ...] = ()


def code_in(typed: str) -> str:
    """A code as it is kept, however somebody typed it."""
    return "".join(letter for letter in typed.upper() if letter.isalnum())


def code_shown(code: str) -> str:
    """A code as people read it: in two halves."""
    half = CODE_LENGTH // 2
    return f"{code[:half]}-{code[half:]}"


def no_request() -> Gone:
    """What is said of every code and secret that leads nowhere, whatever the reason."""
    return Gone("this code was used, has expired, or never was one: begin again with quorate login")


def open_to(request: DeviceRequest, person: str, now: float) -> DeviceRequest:
    """The request, for this person. Raises Gone where it has expired, or somebody else has answered it."""
    if now >= request.expires_at or request.person not in (None, person):
        raise no_request()
    return request


def answered(
    request: DeviceRequest, person: Person, team: str, roles: tuple[Role, ...], now: float, *, is_approved: bool
) -> DeviceRequest:
    """The request with a person's answer, who gives roles of their own. Raises Gone, Conflict and Invalid."""
    if open_to(request, person.id, now).state != "waiting":
        raise Conflict("this was answered before")
    if not is_approved:
        return replace(request, state="refused", person=person.id, team=team)
    if not set(roles) <= set(roles_of(person, team)):
        raise Invalid("a key has no role that its person does not have", pointer="/roles")
    return replace(request, state="approved", person=person.id, team=team, roles=roles)


def collected(request: DeviceRequest, secret: str, now: float) -> DeviceRequest:
    """The request, whose program is given the key now where it was approved, and that once. Raises Gone."""
    is_over = now >= request.expires_at or request.is_collected
    if is_over or not credentials.opens(request.digest, secret):
        raise no_request()
    return replace(request, is_collected=True) if request.state == "approved" else request


def guessing(guesses: Guesses, now: float) -> Guesses:
    """One guess more, counted before anybody knows whether it is right: many at once are as many. Raises TooMany."""
    recent = tuple(one for one in guesses.at if one > now - GUESSES_WITHIN_S)
    if len(recent) >= MAX_GUESSES:
        wait_s = 1 + int(recent[0] + GUESSES_WITHIN_S - now)
        raise TooMany("too many codes that lead nowhere: come back later", retry_after_s=wait_s)
    return replace(guesses, at=(*recent, now))


def guessed_right(guesses: Guesses, at: float) -> Guesses:
    """Without the guess of that moment, which was right."""
    return replace(guesses, at=tuple(one for one in guesses.at if one != at))
