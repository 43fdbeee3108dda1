"""What the accounts service tells the others of who may come, so that each knows callers alone.

A role that only a newer version knows does not keep the rest from being heard.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTold:
    """A key for programs, by the SHA-256 of its text. roles: at the most, of those that its person has. A key that was
    revoked once stays so."""

    id: str
    digest: str
    person: str
    team: str
    roles: tuple[str, ...]
    expires_at: float | None = None
    is_revoked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipTold:
    """What a person may do in a team now."""

    team: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonTold:
    """A person; the highest revision wins. Sessions of an epoch before this one have ended, except `kept_session`."""

    id: str
    revision: int
    name: str
    epoch: int
    kept_session: str | None = None
    memberships: tuple[MembershipTold, ...] = ()
