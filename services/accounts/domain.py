"""The rules of teams, people and their roles. Pure: time, ids and secrets are arguments."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.identity.roles import ROLES, Role
from shared.results import DETECTOR
from shared.teams import FIRST_TEAM

MAX_NAME = 100
MIN_PASSWORD = 8
MAX_PASSWORD = 200
MAX_TEAMS = 100
"""Of one person."""
FIRST_TEAM_NAME = "First team"
PSEUDONYM = "erased-"
"""How the names begin of people who were erased."""
NO_SUCH_PERSON = "no such person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Who owns tasks.

    admins: people who are its admins. Whoever stops being one is taken off first, and put on last, so that everyone
    here is an admin, and the last one here stays one.
    """

    id: str
    name: str
    created_at: float
    admins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What a person may do in a team: while it is not active, nothing. by_provider: their provider gives it, and takes
    it."""

    team: str
    roles: tuple[Role, ...]
    is_active: bool = True
    by_provider: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who somebody is to a provider: only both together name a person."""

    issuer: str
    subject: str

    @property
    def key(self) -> str:
        """Both as one text: an issuer is a URL, which has no blank."""
        return f"{self.issuer} {self.subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An account.

    name_key: the name as it is compared; no two people have the same.
    password_hash: None where they do not sign in by password.
    epoch: a session of an earlier one has ended. It goes up whenever their roles or their password change.
    kept_session: the one that changed the password last, and goes on; none, once their roles change.
    identity: who they are to the provider that vouches for them; None where they do not sign in with one.
    revision: how often the person has changed.
    """

    id: str
    name: str
    name_key: str
    created_at: float
    password_hash: str | None = None
    memberships: tuple[Membership, ...] = ()
    epoch: int = 0
    kept_session: str | None = None
    identity: Identity | None = None
    revision: int = 0


def new_person(person_id: str, name: str, password_hash: str, membership: Membership, now: float) -> Person:
    """A person who comes to their first team. Raises Invalid for a name that cannot be."""
    name = person_name_in(name)
    return Person(
        id=person_id,
        name=name,
        name_key=name_key_of(name),
        created_at=now,
        password_hash=password_hash,
        memberships=(membership,),
    )


def vouched_person(person_id: str, name: str, identity: Identity, given: Sequence[Membership], now: float) -> Person:
    """A person whom a provider vouches for. Raises Invalid for a name that cannot be."""
    name = person_name_in(name)
    return Person(
        id=person_id,
        name=name,
        name_key=name_key_of(name),
        created_at=now,
        memberships=tuple(given[:MAX_TEAMS]),
        identity=identity,
    )


def first_team(now: float) -> Team:
    """The team that a platform begins with."""
    return Team(id=FIRST_TEAM, name=FIRST_TEAM_NAME, created_at=now)


def name_in(text: str, *, pointer: str = "/name") -> str:
    """The name of a person, a team or a key, in one Unicode form and without blanks around it. Raises Invalid."""
    name = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(name) <= MAX_NAME or any(unicodedata.category(one) in ("Cc", "Cs", "Cf") for one in name):
        raise Invalid(f"a name has 1 to {MAX_NAME} characters, all of which can be seen", pointer=pointer)
    return name


def person_name_in(text: str) -> str:
    """Raises Invalid, also for the name of a detector, or of somebody who was erased."""
    name = name_in(text)
    for taken in (DETECTOR, PSEUDONYM):
        if name_key_of(name).startswith(taken):
            raise Invalid(f"a person's name must not begin with '{taken}'", pointer="/name")
    return name


def name_key_of(name: str) -> str:
    """A name as names are compared."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).strip().casefold())


def password_in(text: str, *, pointer: str = "/password") -> str:
    """A new password, in one Unicode form. Raises Invalid."""
    password = same_password(text)
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Invalid(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters", pointer=pointer)
    return password


def same_password(text: str) -> str:
    """A password in one Unicode form, whatever the keyboard that it was typed on."""
    return unicodedata.normalize("NFC", text)


def roles_in(roles: Iterable[Role]) -> tuple[Role, ...]:
    """Roles in their order, each once. Raises Invalid where there are none."""
    wanted = set(roles)
    if not wanted:
        raise Invalid("name one role at least", pointer="/roles")
    return tuple(role for role in ROLES if role in wanted)


def membership_of(person: Person, team: str) -> Membership | None:
    """None where they are no member."""
    return next((one for one in person.memberships if one.team == team), None)


def member(person: Person, team: str) -> Membership:
    """Raises NotFound, with the same words as for a person whom there is not."""
    found = membership_of(person, team)
    if found is None:
        raise NotFound(NO_SUCH_PERSON)
    return found


def roles_of(person: Person, team: str) -> tuple[Role, ...]:
    """What they may do in a team now."""
    found = membership_of(person, team)
    return found.roles if found is not None and found.is_active else ()


def teams_of(person: Person) -> list[str]:
    """Teams in which they may do something, in the order in which they came to them."""
    return [one.team for one in person.memberships if one.is_active]


def joined(person: Person, team: str, roles: tuple[Role, ...]) -> Person:
    """The person as a member of one more team. Raises Conflict: a link changes nobody's roles."""
    if membership_of(person, team) is not None:
        raise Conflict("you are a member of this team already")
    if len(person.memberships) >= MAX_TEAMS:
        raise Conflict(f"a person is in at most {MAX_TEAMS} teams")
    memberships = (*person.memberships, Membership(team=team, roles=roles))
    return replace(person, memberships=memberships, revision=person.revision + 1)


def changed(person: Person, team: str, *, roles: tuple[Role, ...] | None, is_active: bool | None) -> Person:
    """The person with other roles in a team, or none for now; what is None stays. Raises NotFound."""
    before = member(person, team)
    after = replace(
        before,
        roles=before.roles if roles is None else roles,
        is_active=before.is_active if is_active is None else is_active,
    )
    return _with(person, before, after)


def left(person: Person, team: str) -> Person:
    """The person, no longer a member of a team. Raises NotFound."""
    return _with(person, member(person, team), None)


def _with(person: Person, before: Membership, after: Membership | None) -> Person:
    """Who has other roles now has to begin a new session: those from before end."""
    if after == before:
        return person
    kept = [after if one is before else one for one in person.memberships]
    memberships = tuple(one for one in kept if one is not None)
    return _in_next_epoch(replace(person, memberships=memberships), kept_session=None)


def vouched(person: Person, given: Sequence[Membership]) -> Person:
    """The person with the memberships that their provider gives them now, and none that it gave before.

    What an admin decided stays: membership of other teams, and that somebody is not active in one.
    """
    before = {one.team: one for one in person.memberships}
    now = {one.team: one for one in given}
    kept = {team: one for team, one in before.items() if team in now or not one.by_provider}
    after = [
        replace(now[team], is_active=before[team].is_active if team in before else True) if team in now else kept[team]
        for team in dict.fromkeys((*kept, *now))
    ]
    memberships = tuple(after[:MAX_TEAMS])
    if memberships == person.memberships:
        return person
    return _in_next_epoch(replace(person, memberships=memberships), kept_session=None)


def with_password(person: Person, password_hash: str, *, epoch: int, session: str) -> Person:
    """The person with another password, whose sessions have ended but this one, of this epoch. Raises Conflict."""
    if person.epoch != epoch:
        raise Conflict("the account was changed meanwhile: sign in again")
    return _in_next_epoch(replace(person, password_hash=password_hash), kept_session=session)


def _in_next_epoch(person: Person, *, kept_session: str | None) -> Person:
    """The person, whose sessions have ended but this one."""
    return replace(person, epoch=person.epoch + 1, revision=person.revision + 1, kept_session=kept_session)


def is_admin(person: Person, team: str) -> bool:
    return "admin" in roles_of(person, team)


def with_admin(team: Team, person: str) -> Team:
    """The team with this admin on its list."""
    return team if person in team.admins else replace(team, admins=(*team.admins, person))


def without_admin(team: Team, person: str) -> Team:
    """The team without this admin on its list. Raises Conflict for the last one."""
    if team.admins == (person,):
        raise Conflict("this is the last admin of the team: make somebody else an admin first")
    return replace(team, admins=tuple(one for one in team.admins if one != person)) if person in team.admins else team


def relieved(team: Team, person: str) -> Team:
    """The team without this admin on its list, even the last one: what a provider takes is gone."""
    return replace(team, admins=tuple(one for one in team.admins if one != person)) if person in team.admins else team


def refuse_self(actor: str, person: str) -> None:
    """Raises Forbidden where somebody would change what they may do themselves."""
    if actor == person:
        raise Forbidden("nobody changes their own roles: ask another admin of the team")
