"""What the platform answers about people, keys and teams, as of docs/api/openapi.json."""

from typing import Literal, TypedDict

Role = Literal["client", "operator", "adjudicator", "admin"]
ROLES: tuple[Role, ...] = ("client", "operator", "adjudicator", "admin")


class Team(TypedDict):
    id: str
    name: str


class NewTeam(TypedDict):
    id: str
    name: str
    invitation_url: str | None


class SignedIn(TypedDict):
    id: str
    name: str
    roles: list[Role]


class Session(TypedDict):
    auth: Literal["off", "on"]
    needs_first_admin: bool
    provider: str | None
    signed_in: bool
    has_password: bool
    user: SignedIn | None
    team: Team | None
    teams: list[Team]


class Key(TypedDict):
    id: str
    name: str
    roles: list[Role]
    created_at: str
    expires_at: str | None
    used_at: str | None


class NewKey(TypedDict):
    id: str
    name: str
    roles: list[Role]
    created_at: str
    expires_at: str | None
    used_at: str | None
    secret: str


class KeyHolder(TypedDict):
    id: str
    name: str


class TeamKey(TypedDict):
    id: str
    name: str
    roles: list[Role]
    created_at: str
    expires_at: str | None
    used_at: str | None
    person: KeyHolder


class DeviceBegun(TypedDict):
    user_code: str
    device_code: str
    path: str
    expires_at: str
    interval_s: float


class DeviceOutcome(TypedDict):
    state: Literal["waiting", "approved", "refused"]
    key: NewKey | None
    user: KeyHolder | None
    team: Team | None


class Member(TypedDict):
    id: str
    name: str
    roles: list[Role]
    is_active: bool
    created_at: str


class Erasure(TypedDict):
    """`done`: when each service had put the pseudonym in the person's place; null while it has not."""

    pseudonym: str
    erased_at: str
    done: dict[str, str | None]


class Invitation(TypedDict):
    id: str
    roles: list[Role]
    made_by: str
    created_at: str
    expires_at: str


class NewInvitation(TypedDict):
    id: str
    roles: list[Role]
    made_by: str
    created_at: str
    expires_at: str
    url: str


class AuditWanted(TypedDict, total=False):
    """Which entries of the audit are wanted; what is not named or None is not asked. Times as ISO 8601 with an offset;
    from `since` on, and before `until`."""

    actor: str | None
    action: str | None
    object: str | None
    since: str | None
    until: str | None


class AuditEntry(TypedDict):
    id: str
    at: str
    actor: str
    actor_name: str
    action: str
    object: str
    address: str
    outcome: Literal["done", "refused"]
