"""The rules of what people and programs prove themselves by: sessions, keys and invitations. Pure.

Of each, the SHA-256 of its secret is kept, which has 190 random bits or more.
"""

import hmac
from dataclasses import dataclass, replace
from typing import Literal

from services.accounts.domain import Person, roles_of
from shared.errors import Gone, Invalid, NotFound, Unauthenticated
from shared.identity.keys import digest_of
from shared.identity.roles import ROLES, Role
from shared.teams import FIRST_TEAM

USE_NOTED_S = 300.0
"""The use of a session is written at most so often."""
HOUR_S = 3_600.0
INVITATION_S = 7 * 86_400.0
FIRST_LINK_S = 86_400.0
FIRST_LINK = "first-admin"
SEPARATOR = "~"
"""Not a dot: the last part of a path that has one is the name of a file."""
"""The id of the link of the first start. There is one, so that a new one makes the one before void."""
MAX_KEY_S = 10 * 366 * 86_400.0
MAX_INVITATIONS = 200
"""To one team, that can be used."""
MAX_KEYS = 100
"""A person's, in one team, that can be used."""

InvitationKind = Literal["member", "first-admin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that somebody signed in on. team: where they work now; epoch: the person's, as it began."""

    id: str
    digest: str
    person: str
    team: str
    epoch: int
    created_at: float
    used_at: float
    ended_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long a session lives without being used, and at all, in seconds."""

    idle_s: float
    absolute_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What a program of somebody's proves itself by. used_at: to the hour."""

    id: str
    digest: str
    person: str
    name: str
    team: str
    roles: tuple[Role, ...]
    created_at: float
    expires_at: float | None = None
    used_at: float | None = None
    revoked_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A link that makes one person a member of a team, once. made_by: empty for that of the first start."""

    id: str
    digest: str
    team: str
    roles: tuple[Role, ...]
    made_by: str
    created_at: float
    expires_at: float
    kind: InvitationKind = "member"
    used_by: str | None = None
    revoked_at: float | None = None


def is_live(session: Session, lifetimes: Lifetimes, now: float) -> bool:
    is_recent = now < session.used_at + lifetimes.idle_s and now < session.created_at + lifetimes.absolute_s
    return session.ended_at is None and is_recent


def may_go_on(session: Session, person: Person) -> bool:
    """Whether its person has lost nothing since it began, and may still do something in its team."""
    is_of_now = session.epoch == person.epoch or session.id == person.kept_session
    return is_of_now and bool(roles_of(person, session.team))


def opens(digest: str, secret: str) -> bool:
    """Whether this is the secret whose digest was kept."""
    return hmac.compare_digest(digest, digest_of(secret))


def used(session: Session, now: float) -> Session:
    return replace(session, used_at=now) if now >= session.used_at + USE_NOTED_S else session


def ended(session: Session, now: float) -> Session:
    return replace(session, ended_at=now) if session.ended_at is None else session


def in_team(session: Session, team: str) -> Session:
    return session if session.team == team else replace(session, team=team)


def joined(found: str, secret: str) -> str:
    """The token of a session or a link, from its id and its secret."""
    return f"{found}{SEPARATOR}{secret}"


def split(token: str) -> tuple[str, str]:
    """The id and the secret of a session or a link. Raises Unauthenticated."""
    found, mark, secret = token.partition(SEPARATOR)
    if not (found and mark and secret) or len(token) > 200:  # noqa: PLR2004 - longer than any of ours
        raise Unauthenticated("sign in")
    return found, secret


def is_usable(key: Key, now: float) -> bool:
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)


def roles_with(key: Key, person: Person) -> tuple[Role, ...]:
    """What a key may do now: of its roles, those that its person has."""
    present = roles_of(person, key.team)
    return tuple(role for role in key.roles if role in present)


def revoked(key: Key, now: float) -> Key:
    return replace(key, revoked_at=now) if key.revoked_at is None else key


def noted(key: Key, now: float) -> Key:
    """The key, used now; to the hour."""
    hour = now - now % HOUR_S
    return replace(key, used_at=hour) if key.used_at is None or key.used_at < hour else key


def key_roles(wanted: tuple[Role, ...] | None, holder: tuple[Role, ...]) -> tuple[Role, ...]:
    """The roles of a new key: those that were asked for, or all of the one who makes it. Raises Invalid."""
    if wanted is None:
        return holder
    if not set(wanted) <= set(holder):
        raise Invalid("a key has no role that its maker does not have", pointer="/roles")
    return wanted


def expiry(at: float | None, now: float, *, latest: float | None) -> float | None:
    """When a key expires. latest: when the key expires that makes it. Raises Invalid."""
    if at is not None and not now < at <= now + MAX_KEY_S:
        raise Invalid("a key expires within ten years from now, or never", pointer="/expires_at")
    return latest if at is None or (latest is not None and latest < at) else at


def first_link(digest: str, now: float) -> Invitation:
    """The link of a first start."""
    return Invitation(
        id=FIRST_LINK, digest=digest, team=FIRST_TEAM, roles=ROLES, made_by="", created_at=now,
        expires_at=now + FIRST_LINK_S, kind="first-admin",
    )  # fmt: skip


def is_open(invitation: Invitation, now: float) -> bool:
    return invitation.used_by is None and invitation.revoked_at is None and now < invitation.expires_at


def no_link() -> Gone:
    """What is said of every link that cannot be used, whatever the reason."""
    return Gone("this link was used, has expired, or never was one: ask for another")


def taken(invitation: Invitation, secret: str, person: str, now: float) -> Invitation:
    """The invitation, used by somebody. Raises Gone."""
    if not opens(invitation.digest, secret) or not is_open(invitation, now):
        raise no_link()
    return replace(invitation, used_by=person)


def given_back(invitation: Invitation, person: str) -> Invitation:
    """The invitation, which this person could not use after all."""
    return replace(invitation, used_by=None) if invitation.used_by == person else invitation


def withdrawn(invitation: Invitation, team: str, now: float) -> Invitation:
    """Raises NotFound where it is another team's or cannot be used any more."""
    if invitation.team != team or not is_open(invitation, now):
        raise NotFound("no such invitation")
    return replace(invitation, revoked_at=now)
