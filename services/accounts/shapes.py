"""Accounts as answers, ready to be written as JSON."""

from collections.abc import Sequence
from typing import Any

from services.accounts.credentials import Invitation, Key
from services.accounts.device import ASK_AGAIN_S, KEY_S, DeviceRequest, code_shown
from services.accounts.device_logins import Collected
from services.accounts.domain import FIRST_TEAM_NAME, Person, Team, member, roles_of
from services.accounts.erasure import SERVICES, ErasedPerson
from services.accounts.signing_in import SignedIn
from shared.audit import AuditEntry
from shared.clock import iso
from shared.identity import Caller

DAY_S = 86_400
NOBODY = {"signed_in": False, "has_password": False, "user": None, "team": None, "teams": []}


def session_shown(signed_in: SignedIn, teams: Sequence[Team], *, provider: str | None) -> dict[str, Any]:
    """Somebody who is signed in. provider: what people call the one that they can sign in with."""
    person, team = signed_in.person, signed_in.session.team
    return {
        "auth": "on",
        "needs_first_admin": False,
        "provider": provider,
        "signed_in": True,
        "has_password": person.password_hash is not None,
        "user": {"id": person.id, "name": person.name, "roles": roles_of(person, team)},
        "team": next((team_shown(one) for one in teams if one.id == team), None),
        "teams": [team_shown(one) for one in teams],
    }


def nobody_shown(*, needs_first_admin: bool, provider: str | None) -> dict[str, Any]:
    """Nobody is signed in."""
    return {"auth": "on", "needs_first_admin": needs_first_admin, "provider": provider, **NOBODY}


def trusted_shown(caller: Caller) -> dict[str, Any]:
    """The caller, with authentication off."""
    team = {"id": caller.team, "name": FIRST_TEAM_NAME}
    return {
        "auth": "off",
        "needs_first_admin": False,
        "provider": None,
        "signed_in": True,
        "has_password": False,
        "user": {"id": caller.id, "name": caller.name, "roles": caller.roles},
        "team": team,
        "teams": [team],
    }


def team_shown(team: Team) -> dict[str, Any]:
    return {"id": team.id, "name": team.name}


def member_shown(person: Person, team: str) -> dict[str, Any]:
    """A person, as a member of one team; nothing of their others."""
    of_team = member(person, team)
    return {
        "id": person.id,
        "name": person.name,
        "roles": of_team.roles,
        "is_active": of_team.is_active,
        "created_at": iso(person.created_at),
    }


def key_shown(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "roles": key.roles,
        "created_at": iso(key.created_at),
        "expires_at": _iso_or_none(key.expires_at),
        "used_at": _iso_or_none(key.used_at),
    }


def holder_shown(person: Person) -> dict[str, Any]:
    return {"id": person.id, "name": person.name}


def team_key_shown(found: tuple[Key, str]) -> dict[str, Any]:
    """A key, and whose it is by name."""
    key, name = found
    return key_shown(key) | {"person": {"id": key.person, "name": name}}


def device_begun(request: DeviceRequest, token: str) -> dict[str, Any]:
    """What a program is told that asks for a key."""
    code = code_shown(request.id)
    return {
        "user_code": code,
        "device_code": token,
        "path": f"/device?code={code}",
        "expires_at": iso(request.expires_at),
        "interval_s": ASK_AGAIN_S,
    }


def device_shown(request: DeviceRequest) -> dict[str, Any]:
    return {
        "code": code_shown(request.id),
        "client": request.client,
        "address": request.address,
        "created_at": iso(request.created_at),
        "expires_at": iso(request.expires_at),
        "roles": request.wanted,
        "state": request.state,
        "key_days": round(KEY_S / DAY_S),
    }


def device_outcome(found: Collected) -> dict[str, Any]:
    if found.key is None or found.person is None or found.team is None:
        return {"state": found.state, "key": None, "user": None, "team": None}
    return {
        "state": found.state,
        "key": key_shown(found.key) | {"secret": found.text},
        "user": {"id": found.person.id, "name": found.person.name},
        "team": team_shown(found.team),
    }


def link_path(token: str) -> str:
    """The path of a link. The token is behind a `#`, which no browser sends: so no proxy logs it."""
    return f"/link#{token}"


def invitation_shown(invitation: Invitation) -> dict[str, Any]:
    return {
        "id": invitation.id,
        "roles": invitation.roles,
        "made_by": invitation.made_by,
        "created_at": iso(invitation.created_at),
        "expires_at": iso(invitation.expires_at),
    }


def erasure_shown(erased: ErasedPerson) -> dict[str, Any]:
    """An erasure; nothing of it says who the person was."""
    done = dict(erased.done)
    return {
        "pseudonym": erased.pseudonym,
        "erased_at": iso(erased.erased_at),
        "done": {service: _iso_or_none(done.get(service)) for service in SERVICES},
    }


def entry_shown(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": iso(entry.at),
        "actor": entry.actor,
        "actor_name": entry.actor_name,
        "action": entry.action,
        "object": entry.object,
        "address": entry.address,
        "outcome": entry.outcome,
    }


def _iso_or_none(at: float | None) -> str | None:
    return None if at is None else iso(at)
