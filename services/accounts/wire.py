"""Requests and answers of the accounts' API."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from shared.audit import Action, Outcome
from shared.http.requests import AS_INSTANT, Wire
from shared.identity import Role

MAX_TEXT = 1_000
"""Of names and passwords before they are brought to one form."""

Name = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Password = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Roles = Annotated[list[Role], Field(min_length=1, max_length=4)]
Token = Annotated[str, Field(min_length=1, max_length=200)]
Id = Annotated[str, Field(min_length=1, max_length=64)]
Actor = Annotated[str, Query(max_length=64, description="the id of a person: what they did")]
Done = Annotated[Action, Query(description="one kind of action")]
Object = Annotated[str, Query(max_length=300, description="the id of something: what was done to it")]
AuditSince = Annotated[AwareDatetime | None, Query(description="what was done from then on"), AS_INSTANT]
AuditUntil = Annotated[AwareDatetime | None, Query(description="what was done before then"), AS_INSTANT]


def _text(value: object) -> object:
    if value is not None and not isinstance(value, str):
        raise ValueError("write it as 2026-11-28T09:30:00Z")
    return value


Instant = Annotated[AwareDatetime, Field(strict=False), AS_INSTANT, BeforeValidator(_text)]
"""In a body, where a number is no instant."""


class SignedInUser(BaseModel):
    """Who is signed in, and what they may do in the team that they work in."""

    id: str
    name: str
    roles: list[Role]


class TeamShown(BaseModel):
    id: str
    name: str


class SessionShown(BaseModel):
    """`needs_first_admin`: nobody has an account yet; the platform's start prints a link. `team`: where the person
    works now; `teams`: where they may work. `provider`: what people call the provider that they can sign in with, if
    there is one. `has_password`: whether the person can sign in by one."""

    auth: Literal["off", "on"]
    needs_first_admin: bool
    provider: str | None
    signed_in: bool
    has_password: bool
    user: SignedInUser | None
    team: TeamShown | None
    teams: list[TeamShown]


class SignIn(Wire):
    name: Name
    password: Password


class LinkRequest(Wire):
    """The token of a link, with the name and the password of a new account, or of the one that joins a further team.
    Without both, whoever is signed in joins."""

    token: Token
    name: Name | None = None
    password: Password | None = None


class ProviderAddress(BaseModel):
    """`url`: where the browser goes to sign in with the provider."""

    url: str


class ProviderAnswer(Wire):
    """What the provider sent the browser back with."""

    code: Annotated[str, Field(min_length=1, max_length=4_000)]
    state: Token
    iss: Annotated[str, Field(max_length=MAX_TEXT)] | None = None


class TeamChoice(Wire):
    """The id of one of the caller's teams."""

    team: Id


class PasswordChange(Wire):
    current: Password
    new: Password


class DeviceAsked(Wire):
    """`client`: what the program calls itself, as the key will be called. `roles`: those that it needs."""

    client: Name
    roles: Roles | None = None


class DeviceBegun(BaseModel):
    """`path`: of the page where a person answers. `device_code`: proves the program; it is told this once. The program
    asks for its key every `interval_s` seconds, or less often."""

    user_code: str
    device_code: str
    path: str
    expires_at: str
    interval_s: float


class DeviceCollect(Wire):
    device_code: Token


class DeviceShown(BaseModel):
    """A program that asks for a key. `roles`: those that it asks for; none, where it takes all that the person has.
    `key_days`: for how many days its key would work."""

    code: str
    client: str
    address: str
    created_at: str
    expires_at: str
    roles: list[Role]
    state: Literal["waiting", "approved", "refused"]
    key_days: int


class DeviceAnswer(Wire):
    """`roles`: what the key may do in the team that the person works in; all that they may, where none are named."""

    code: Annotated[str, Field(min_length=1, max_length=32)]
    approve: bool
    roles: Roles | None = None


class KeyRequest(Wire):
    """`roles`: those of the caller where none are named."""

    name: Name
    roles: Roles | None = None
    expires_at: Instant | None = None


class KeyShown(BaseModel):
    """`name`: what its maker calls it. `used_at`: the last use, to the hour."""

    id: str
    name: str
    roles: list[Role]
    created_at: str
    expires_at: str | None
    used_at: str | None


class NewKeyShown(KeyShown):
    """`secret`: the key itself, which is told this once."""

    secret: str


class KeyHolder(BaseModel):
    id: str
    name: str


class DeviceOutcome(BaseModel):
    """`key`: told this once, with whose it is and for which team; null while nobody has approved."""

    state: Literal["waiting", "approved", "refused"]
    key: NewKeyShown | None
    user: KeyHolder | None
    team: TeamShown | None


class KeysShown(BaseModel):
    items: list[KeyShown]


class TeamKeyShown(KeyShown):
    """A key, and whose it is."""

    person: KeyHolder


class TeamKeys(BaseModel):
    items: list[TeamKeyShown]
    next_cursor: str | None


class MemberShown(BaseModel):
    """A person of the caller's team. `is_active`: false where they may do nothing in it for now."""

    id: str
    name: str
    roles: list[Role]
    is_active: bool
    created_at: str


class Members(BaseModel):
    items: list[MemberShown]
    next_cursor: str | None


class Operators(BaseModel):
    """Those who may label in the caller's team, by name. A page may have fewer than were asked for, and a next one."""

    items: list[KeyHolder]
    next_cursor: str | None


class Names(BaseModel):
    """The people of the caller's team, by name."""

    items: list[KeyHolder]
    next_cursor: str | None


class MemberChange(Wire):
    """What is not named stays."""

    roles: Roles | None = None
    is_active: bool | None = None


class InvitationRequest(Wire):
    roles: Roles


class InvitationShown(BaseModel):
    """`made_by`: the id of a person."""

    id: str
    roles: list[Role]
    made_by: str
    created_at: str
    expires_at: str


class NewInvitationShown(InvitationShown):
    """`url`: the path of its link, which is told this once."""

    url: str


class Invitations(BaseModel):
    items: list[InvitationShown]


class ErasureRequest(Wire):
    """The id of the person to be erased."""

    person: Id


class OwnErasure(Wire):
    """The caller's password, for what can't be undone."""

    password: Password


class ErasureShown(BaseModel):
    """`done`: when each service had put the pseudonym in the person's place; null while it has not."""

    pseudonym: str
    erased_at: str
    done: dict[str, str | None]


class ErasuresShown(BaseModel):
    """The newest first."""

    items: list[ErasureShown]


class TeamRequest(Wire):
    """`invite`: also make a link for the person who will be its admin."""

    name: Name
    invite: bool = False


class NewTeamShown(TeamShown):
    """`invitation_url`: the path of the link for its admin, which is told this once; null where none was asked for."""

    invitation_url: str | None


class TeamsShown(BaseModel):
    items: list[TeamShown]


class AuditEntryShown(BaseModel):
    """`actor`: the id of a person; `object`: the id of what it was done to."""

    id: str
    at: str
    actor: str
    actor_name: str
    action: Action
    object: str
    address: str
    outcome: Outcome


class Audit(BaseModel):
    """The newest first."""

    items: list[AuditEntryShown]
    next_cursor: str | None
