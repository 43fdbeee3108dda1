"""How people sign in, work and sign out: by password, by link, and by the session of the page."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from services.accounts import credentials
from services.accounts.credentials import Invitation, Session
from services.accounts.domain import (
    Membership,
    Person,
    Team,
    is_admin,
    joined,
    name_key_of,
    new_person,
    password_in,
    person_name_in,
    roles_of,
    same_password,
    teams_of,
    with_admin,
    with_password,
)
from services.accounts.handlers import Resources, as_doer, entry, new_secret, note
from shared.audit import AuditEntry
from shared.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from shared.http.addresses import place_of
from shared.identity import Caller
from shared.identity.keys import digest_of
from shared.identity.tokens import LIFETIME_S, Claims
from shared.steady_clock import wall_of

WRONG = "the name or the password is not right"
FORGOTTEN_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Somebody who is signed in. secret: that of a session which has just begun, told once."""

    person: Person
    session: Session
    secret: str | None = None


async def sign_in(resources: Resources, *, name: str, password: str, address: str) -> SignedIn:
    """Raises Unauthenticated, after the same time whatever was wrong; TooMany, and Unavailable."""
    person = await _proven(resources, name, password, address)
    if person is None or not teams_of(person):
        raise Unauthenticated(WRONG)
    return await begun(resources, person, teams_of(person)[0], address)


async def _proven(resources: Resources, name: str, password: str, address: str) -> Person | None:
    """The person with this name, if this is their password. What is written down of a wrong one is written later, so
    that it takes as long for a name that nobody has."""
    person = await resources.store.person_named(name_key_of(name))
    if await _is_right(resources, name, password, person, address):
        return person
    if person is not None and teams_of(person):
        by = as_doer(person, teams_of(person)[0], address)
        resources.background.begin(note(resources, by, "session.refuse", person.id, "refused"))
    return None


async def _is_right(resources: Resources, name: str, password: str, person: Person | None, address: str) -> bool:
    """Whether this is the person's password. Raises TooMany for a name or an address with too many wrong ones."""
    now, tried = resources.clock(), ((resources.by_address, place_of(address)), (resources.by_name, name_key_of(name)))
    for throttle, of in tried:
        throttle.begin(of, now)
    is_failed = True
    try:
        kept = None if person is None else person.password_hash
        is_failed = not await resources.passwords.is_right(same_password(password), kept)
    except Unavailable:
        is_failed = False
        raise
    finally:
        for throttle, of in () if is_failed else tried:
            throttle.take_back(of, now)
    return not is_failed


async def begun(resources: Resources, person: Person, team: str, address: str) -> SignedIn:
    """A session that begins now."""
    secret, now = new_secret(), resources.clock()
    session = Session(
        id=uuid.uuid4().hex,
        digest=digest_of(secret),
        person=person.id,
        team=team,
        epoch=person.epoch,
        created_at=now,
        used_at=now,
    )
    noted = [entry(resources, as_doer(person, team, address), "session.begin", session.id)]
    await resources.store.sessions.insert(session, noted=noted)
    ended_before = now - resources.lifetimes.absolute_s
    await resources.store.forget_sessions(begun_before=ended_before, limit=FORGOTTEN_AT_ONCE)
    return SignedIn(person=person, session=session, secret=secret)


async def session_of(resources: Resources, token: str) -> SignedIn:
    """Who is signed in by the cookie of a session. Raises Unauthenticated."""
    session_id, secret = credentials.split(token)
    try:
        session = await resources.store.sessions.find(session_id)
        person = await resources.store.people.find(session.person)
    except NotFound:
        raise Unauthenticated("sign in") from None
    is_live = credentials.is_live(session, resources.lifetimes, resources.clock())
    if not (is_live and credentials.opens(session.digest, secret) and credentials.may_go_on(session, person)):
        raise Unauthenticated("sign in: the session has ended")
    return SignedIn(person=person, session=session)


async def refresh(resources: Resources, token: str) -> SignedIn:
    """Raises Unauthenticated."""
    signed_in = await session_of(resources, token)
    await resources.store.sessions.update(signed_in.session.id, credentials.used)
    return signed_in


async def sign_out(resources: Resources, token: str, address: str) -> None:
    """End a session; one that has ended already stays as it is."""
    try:
        signed_in = await session_of(resources, token)
    except Unauthenticated:
        return
    session = signed_in.session
    noted = [entry(resources, as_doer(signed_in.person, session.team, address), "session.end", session.id)]
    await resources.store.sessions.update(session.id, credentials.ended, noted=noted)
    await resources.relay.hand_over()


async def work_in(resources: Resources, caller: Caller, team: str, address: str) -> SignedIn:
    """Go on with a session in another of one's teams. Raises NotFound, and Forbidden for a key."""
    session, person = await own_session(resources, caller)
    if not roles_of(person, team):
        raise NotFound("no such team")
    noted = [entry(resources, as_doer(person, team, address), "session.team", session.id)]
    after = await resources.store.sessions.update(
        session.id, lambda one, _now: credentials.in_team(one, team), noted=noted
    )
    return SignedIn(person=person, session=after)


async def change_password(resources: Resources, caller: Caller, *, current: str, new: str, address: str) -> None:
    """Raises Invalid, TooMany, Unavailable, and Forbidden for a key."""
    wanted = password_in(new, pointer="/new")
    session, person = await prove(resources, caller, current, address, pointer="/current")
    by = as_doer(person, caller.team, address)
    made = await resources.passwords.hashed(wanted)
    change = partial(with_password, password_hash=made, epoch=person.epoch, session=session.id)
    noted = [entry(resources, by, "password.change", person.id)]
    await resources.store.people.update(person.id, lambda one, _now: change(one), noted=noted)
    await resources.relay.hand_over()


async def prove(
    resources: Resources, caller: Caller, password: str, address: str, *, pointer: str = "/password"
) -> tuple[Session, Person]:
    """The caller's session and account, once they have given their password. Raises Invalid, TooMany, Unavailable, and
    Forbidden for a key."""
    session, person = await own_session(resources, caller)
    if not await _is_right(resources, person.name, password, person, address):
        await note(resources, as_doer(person, caller.team, address), "password.refuse", person.id, "refused")
        raise Invalid("this is not the present password", pointer=pointer)
    return session, person


async def own_session(resources: Resources, caller: Caller) -> tuple[Session, Person]:
    """The session by which the caller is known, and its person. Raises Forbidden for a key, and Unauthenticated."""
    try:
        session = await resources.store.sessions.find(caller.session)
        person = await resources.store.people.find(session.person)
    except NotFound:
        raise Forbidden("this takes the session of a person who signed in, not a key") from None
    if not credentials.may_go_on(session, person):
        raise Unauthenticated("sign in: the session has ended")
    return session, person


async def take_link(
    resources: Resources, *, link: str, name: str | None, password: str | None, cookie: str, address: str
) -> SignedIn:
    """Become a member of a team by a link: as a new person, as one who proves to be somebody by their password, or as
    the one whose session this is. Raises Gone, Conflict, Invalid, Unauthenticated, TooMany and Unavailable."""
    invitation, secret = await _open_link(resources, link)
    if name is None or password is None:
        signed_in = await session_of(resources, cookie)
        await _join(resources, signed_in.person, invitation, secret, address)
        in_team = partial(credentials.in_team, team=invitation.team)
        session = await resources.store.sessions.update(signed_in.session.id, lambda one, _now: in_team(one))
        return SignedIn(person=await resources.store.people.find(signed_in.person.id), session=session)
    if await resources.store.person_named(name_key_of(name)) is None:
        person = await _new(resources, name, password, invitation, secret, address)
    else:
        known = await _proven(resources, name, password, address)
        if known is None:
            raise Conflict("this name is taken: choose another, or give its password", pointer="/name")
        person = await _joined(resources, known, invitation, secret, address)
    await _welcome(resources, person, invitation)
    return await begun(resources, person, invitation.team, address)


async def _open_link(resources: Resources, link: str) -> tuple[Invitation, str]:
    """The invitation of a link that can be used now, and its secret. Raises Gone."""
    try:
        invitation_id, secret = credentials.split(link)
        invitation = await resources.store.invitations.find(invitation_id)
    except (NotFound, Unauthenticated):
        raise credentials.no_link() from None
    credentials.taken(invitation, secret, "somebody", resources.clock())
    if not await _still_counts(resources, invitation):
        raise credentials.no_link()
    return invitation, secret


async def _still_counts(resources: Resources, invitation: Invitation) -> bool:
    """A first link counts while nobody has an account, an invitation while the one who made it is an admin."""
    if invitation.kind == "first-admin":
        return not await resources.store.has_people()
    return is_admin(await resources.store.people.find(invitation.made_by), invitation.team)


async def _new(
    resources: Resources, name: str, password: str, invitation: Invitation, secret: str, address: str
) -> Person:
    """A new person, who uses the invitation. Raises Invalid, Conflict and Gone."""
    person_name_in(name)
    made = await resources.passwords.hashed(password_in(password))
    membership = Membership(team=invitation.team, roles=invitation.roles)
    person = new_person(uuid.uuid4().hex, name, made, membership, resources.clock())
    await _take(resources, invitation, secret, person.id)
    if not await resources.store.people.insert(person, noted=[_joining(resources, person, invitation, address)]):
        await _give_back(resources, invitation, person.id)
        raise Conflict("this name is taken: choose another", pointer="/name")
    return person


async def _join(resources: Resources, person: Person, invitation: Invitation, secret: str, address: str) -> None:
    after = await _joined(resources, person, invitation, secret, address)
    await _welcome(resources, after, invitation)


async def _joined(resources: Resources, person: Person, invitation: Invitation, secret: str, address: str) -> Person:
    """A person as a member of one more team. Raises Conflict and Gone."""
    await _take(resources, invitation, secret, person.id)
    try:
        return await resources.store.people.update(
            person.id,
            lambda one, _now: joined(one, invitation.team, invitation.roles),
            noted=[_joining(resources, person, invitation, address)],
        )
    except Conflict:
        await _give_back(resources, invitation, person.id)
        raise


async def _take(resources: Resources, invitation: Invitation, secret: str, person: str) -> None:
    await resources.store.invitations.update(
        invitation.id, lambda one, now: credentials.taken(one, secret, person, now)
    )


async def _give_back(resources: Resources, invitation: Invitation, person: str) -> None:
    await resources.store.invitations.update(invitation.id, lambda one, _now: credentials.given_back(one, person))


def _joining(resources: Resources, person: Person, invitation: Invitation, address: str) -> AuditEntry:
    return entry(resources, as_doer(person, invitation.team, address), "person.join", person.id)


async def _welcome(resources: Resources, person: Person, invitation: Invitation) -> None:
    if is_admin(person, invitation.team):
        await resources.store.teams.update(invitation.team, lambda team, _now: with_admin(team, person.id))


def access_token(resources: Resources, signed_in: SignedIn) -> str:
    """A token for a few minutes, which every service verifies alone."""
    session, person = signed_in.session, signed_in.person
    left_s = session.created_at + resources.lifetimes.absolute_s - resources.clock()
    now = wall_of(resources.clock)()
    claims = Claims(
        person=person.id,
        name=person.name,
        team=session.team,
        roles=roles_of(person, session.team),
        session=session.id,
        epoch=session.epoch,
        expires_at=now + min(LIFETIME_S, left_s),
    )
    return resources.signer.token(claims, now)


async def teams_in(resources: Resources, person: Person) -> Sequence[Team]:
    """The teams that a person may work in."""
    return [await resources.store.teams.find(team) for team in teams_of(person)]
