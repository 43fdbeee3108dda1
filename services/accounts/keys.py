"""How people make keys for their programs, and how they and the team's admins revoke them."""

import asyncio
import secrets

from services.accounts import credentials
from services.accounts.credentials import MAX_KEYS, Key
from services.accounts.domain import name_in, roles_in
from services.accounts.handlers import Resources, entry
from shared.audit import Doer
from shared.errors import Conflict, NotFound
from shared.identity import Caller
from shared.identity.keys import DIGITS, ID_DIGITS, SECRET_DIGITS, digest_of, key_of
from shared.identity.roles import Role


async def make_key(
    resources: Resources, caller: Caller, by: Doer, *, name: str, roles: list[Role] | None, expires_at: float | None
) -> tuple[Key, str]:
    """A new key of the caller's, and its text, which is told once. Raises Invalid and Conflict."""
    now, key_id = resources.clock(), _digits(ID_DIGITS)
    wanted = None if roles is None else roles_in(roles)
    if len(await keys_of(resources, caller)) >= MAX_KEYS:
        raise Conflict(f"you have {MAX_KEYS} keys: revoke some")
    text = key_of(key_id, _digits(SECRET_DIGITS))
    key = Key(
        id=key_id,
        digest=digest_of(text),
        person=caller.id,
        name=name_in(name),
        team=caller.team,
        roles=credentials.key_roles(wanted, caller.roles),
        created_at=now,
        expires_at=credentials.expiry(expires_at, now, latest=await _end_of(resources, caller)),
    )
    await resources.store.keys.insert(key, noted=[entry(resources, by, "key.make", key.id)])
    await resources.relay.hand_over()
    return key, text


async def _end_of(resources: Resources, caller: Caller) -> float | None:
    """When the key expires by which the caller is known: one that it makes does not outlive it."""
    try:
        return (await resources.store.keys.find(caller.session)).expires_at
    except NotFound:
        return None


async def keys_of(resources: Resources, caller: Caller) -> list[Key]:
    """The caller's keys in the team that they work in."""
    return await resources.store.keys_of(caller.team, caller.id, MAX_KEYS)


async def keys_in(resources: Resources, team: str, after: str, limit: int) -> list[tuple[Key, str]]:
    """A page of the keys of a team's people, and whose they are by name."""
    keys = await resources.store.keys_in(team, after=after, limit=limit)
    ids = {key.person for key in keys}
    people = await asyncio.gather(*(resources.store.people.find(person) for person in ids))
    names = {person.id: person.name for person in people}
    return [(key, names[key.person]) for key in keys]


async def revoke(resources: Resources, by: Doer, key_id: str, *, person: str | None) -> None:
    """Revoke a key of the team, of this person's if one is named. Raises NotFound for all others."""

    def revoked(key: Key, now: float) -> Key:
        if key.team != by.team or person not in (None, key.person) or key.revoked_at is not None:
            raise NotFound("no such key")
        return credentials.revoked(key, now)

    await resources.store.keys.update(key_id, revoked, noted=[entry(resources, by, "key.revoke", key_id)])
    await resources.relay.hand_over()


def _digits(count: int) -> str:
    return "".join(secrets.choice(DIGITS) for _ in range(count))
