"""What admins do with the people of their team and with links to it, and how teams are made."""

import secrets
import uuid
from collections.abc import Callable
from dataclasses import replace

from services.accounts import credentials
from services.accounts.credentials import INVITATION_S, MAX_INVITATIONS, MAX_KEYS, Invitation
from services.accounts.domain import (
    Membership,
    Person,
    Team,
    changed,
    is_admin,
    joined,
    left,
    member,
    name_in,
    refuse_self,
    roles_in,
    roles_of,
    with_admin,
    without_admin,
)
from services.accounts.handlers import Resources, entry, new_secret
from shared.audit import Action, Doer
from shared.errors import Conflict
from shared.identity.keys import digest_of
from shared.identity.roles import ROLES, Role


async def find_member(resources: Resources, team: str, person_id: str) -> tuple[Person, Membership]:
    """Raises NotFound, with the same words for another team's person."""
    person = await resources.store.people.find(person_id)
    return person, member(person, team)


async def operators(resources: Resources, team: str, after: str, count: int) -> tuple[list[Person], str]:
    """Those of a team's next members who are active operators, and the key behind which to go on."""
    found = await resources.store.members(team, after=after, limit=count + 1)
    able = [one for one in found[:count] if "operator" in roles_of(one, team)]
    return able, found[count - 1].name_key if len(found) > count else ""


async def change_member(
    resources: Resources, by: Doer, person_id: str, *, roles: list[Role] | None, is_active: bool | None
) -> Person:
    """Give a member other roles, or none for now. Raises Forbidden, NotFound, Invalid, and Conflict for the last
    admin."""
    wanted = None if roles is None else roles_in(roles)
    return await _change(
        resources,
        by,
        person_id,
        "person.change",
        lambda person: changed(person, by.team, roles=wanted, is_active=is_active),
    )


async def remove_member(resources: Resources, by: Doer, person_id: str) -> None:
    """Their keys of this team end for good. Raises Forbidden, NotFound, and Conflict for the last admin."""
    await find_member(resources, by.team, person_id)
    refuse_self(by.id, person_id)
    for key in await resources.store.keys_of(by.team, person_id, MAX_KEYS):
        await resources.store.keys.update(key.id, credentials.revoked)
    await _change(resources, by, person_id, "person.remove", lambda person: left(person, by.team))


async def _change(
    resources: Resources, by: Doer, person_id: str, action: Action, change: Callable[[Person], Person]
) -> Person:
    """Change a member's roles. Whoever stops being an admin is taken off the team's list first, and whoever begins is
    put on it last: so those on the list are admins, and the last of them stays."""
    before, _ = await find_member(resources, by.team, person_id)
    refuse_self(by.id, person_id)
    if is_admin(before, by.team) and not is_admin(change(before), by.team):
        await resources.store.teams.update(by.team, lambda team, _now: without_admin(team, person_id))
    noted = [entry(resources, by, action, person_id)]
    after = await resources.store.people.update(person_id, lambda person, _now: change(person), noted=noted)
    if is_admin(after, by.team):
        await resources.store.teams.update(by.team, lambda team, _now: with_admin(team, person_id))
        if not is_admin(await resources.store.people.find(person_id), by.team):  # not any more: somebody was faster
            await resources.store.teams.update(by.team, lambda team, _now: without_admin(team, person_id))
    await resources.relay.hand_over()
    return after


async def invite(resources: Resources, by: Doer, roles: list[Role]) -> tuple[Invitation, str]:
    """A new invitation, and the token of its link, which is told once. Raises Invalid and Conflict."""
    wanted, secret, now = roles_in(roles), new_secret(), resources.clock()
    if len(await invitations(resources, by.team)) >= MAX_INVITATIONS:
        raise Conflict(f"{MAX_INVITATIONS} invitations to this team are open: withdraw some")
    invitation = Invitation(
        id=uuid.uuid4().hex,
        digest=digest_of(secret),
        team=by.team,
        roles=wanted,
        made_by=by.id,
        created_at=now,
        expires_at=now + INVITATION_S,
    )
    noted = [entry(resources, by, "invitation.make", invitation.id)]
    await resources.store.invitations.insert(invitation, noted=noted)
    return invitation, credentials.joined(invitation.id, secret)


async def invitations(resources: Resources, team: str) -> list[Invitation]:
    """The invitations to a team that can be used."""
    found = await resources.store.open_invitations(team, now=resources.clock(), limit=MAX_INVITATIONS)
    return [one for one in found if one.kind == "member"]


async def withdraw(resources: Resources, by: Doer, invitation_id: str) -> None:
    """Raises NotFound, also for another team's."""
    noted = [entry(resources, by, "invitation.withdraw", invitation_id)]
    await resources.store.invitations.update(
        invitation_id, lambda one, now: credentials.withdrawn(one, by.team, now), noted=noted
    )


async def make_team(resources: Resources, by: Doer, name: str) -> Team:
    """A new team, whose first admin is the one who makes it. Raises Invalid and Conflict."""
    team = Team(id=secrets.token_hex(16), name=name_in(name), created_at=resources.clock(), admins=(by.id,))
    in_both = (by, replace(by, team=team.id))
    noted = [entry(resources, one, "team.make", team.id) for one in in_both]
    await resources.store.teams.insert(team, noted=noted)
    await resources.store.people.update(by.id, lambda person, _now: joined(person, team.id, ROLES))
    return team
