"""How a program without a browser gets a key: it asks, a person who is signed in answers, and it collects the key."""

import secrets
from dataclasses import dataclass

from services.accounts import credentials, device, keys
from services.accounts.credentials import MAX_KEYS, Key
from services.accounts.device import CODE_LENGTH, CODE_LETTERS, KEY_S, REQUEST_S, DeviceRequest, Guesses, no_request
from services.accounts.domain import Person, Team, name_in, roles_in, roles_of
from services.accounts.handlers import Resources, as_doer, doer, entry, new_secret
from services.accounts.signing_in import own_session
from shared.errors import Conflict, NotFound, Unauthenticated, Unavailable
from shared.http.addresses import place_of
from shared.identity import Caller
from shared.identity.keys import digest_of
from shared.identity.roles import Role

FORGOTTEN_AT_ONCE = 100
CODE_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What became of a request. key, text: those of the new key, told once; with its person and team."""

    state: device.State
    key: Key | None = None
    text: str = ""
    person: Person | None = None
    team: Team | None = None


async def ask(
    resources: Resources, *, client: str, roles: list[Role] | None, address: str
) -> tuple[DeviceRequest, str]:
    """A new request, and the token by which its program collects the key. Raises Invalid and TooMany."""
    now, secret, name = resources.clock(), new_secret(), name_in(client, pointer="/client")
    resources.device_requests.begin(place_of(address), now)
    await resources.store.forget_devices(expired_before=now, limit=FORGOTTEN_AT_ONCE)
    for _ in range(CODE_TRIES):
        code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
        request = DeviceRequest(
            id=code,
            digest=digest_of(secret),
            client=name,
            address=address,
            created_at=now,
            expires_at=now + REQUEST_S,
            wanted=() if roles is None else roles_in(roles),
        )
        if await resources.store.devices.insert(request):
            return request, credentials.joined(code, secret)
    raise Unavailable("no code is free just now")


async def look(resources: Resources, caller: Caller, code: str) -> DeviceRequest:
    """The request with this code, for a person who is signed in. Raises Forbidden, Gone and TooMany."""
    await own_session(resources, caller)
    now, code = resources.clock(), device.code_in(code)
    at = await _guess(resources, caller.id)
    try:
        found = device.open_to(await resources.store.devices.find(code), caller.id, now)
    except NotFound:
        raise no_request() from None
    await resources.store.guesses.update(caller.id, lambda one, _now: device.guessed_right(one, at))
    return found


async def _guess(resources: Resources, person: str) -> float:
    """Count a guess of this person's; returns when it was made. Raises TooMany."""
    await resources.store.guesses.insert(Guesses(id=person))  # where there is one already, it stays
    return (await resources.store.guesses.update(person, device.guessing)).at[-1]


async def answer(
    resources: Resources, caller: Caller, code: str, *, is_approved: bool, roles: list[Role] | None, address: str
) -> DeviceRequest:
    """Approve a request for the team that the person works in, or refuse it. Raises as `look`, Conflict and Invalid."""
    found = await look(resources, caller, code)
    _, person = await own_session(resources, caller)
    if is_approved and len(await keys.keys_of(resources, caller)) >= MAX_KEYS:
        raise Conflict(f"you have {MAX_KEYS} keys: revoke some")
    given = caller.roles if roles is None else roles_in(roles)
    action = "device.approve" if is_approved else "device.refuse"
    return await resources.store.devices.update(
        found.id,
        lambda one, now: device.answered(one, person, caller.team, given, now, is_approved=is_approved),
        noted=[entry(resources, doer(caller, address), action, person.id)],
    )


async def collect(resources: Resources, token: str, address: str) -> Collected:
    """What became of a request, with the key where it was approved. Raises Gone, also for one that was collected."""
    try:
        code, secret = credentials.split(token)
        after = await resources.store.devices.update(code, lambda one, now: device.collected(one, secret, now))
    except (NotFound, Unauthenticated):
        raise no_request() from None
    if not after.is_collected or after.person is None or after.team is None:
        return Collected(state=after.state)
    person = await resources.store.people.find(after.person)
    present = roles_of(person, after.team)
    roles: list[Role] = [role for role in after.roles if role in present]
    if not roles:
        raise no_request()
    caller = Caller(person.id, present, after.team, person.name)
    by = as_doer(person, after.team, address)
    expires_at = resources.clock() + KEY_S
    key, text = await keys.make_key(resources, caller, by, name=after.client, roles=roles, expires_at=expires_at)
    team = await resources.store.teams.find(after.team)
    return Collected(state="approved", key=key, text=text, person=person, team=team)
