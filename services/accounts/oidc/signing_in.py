"""How people sign in with a provider: they leave for it, come back, and are who it says they are."""

import logging
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from services.accounts.domain import (
    Identity,
    Membership,
    Person,
    is_admin,
    name_key_of,
    relieved,
    teams_of,
    vouched,
    vouched_person,
    with_admin,
)
from services.accounts.handlers import Resources, as_doer, entry
from services.accounts.oidc import mapping
from services.accounts.oidc.attempt import Answer, Attempt, attempt_in
from services.accounts.signing_in import SignedIn, begun
from shared.errors import Conflict, Forbidden, NotFound, Unauthenticated
from shared.http.addresses import place_of

if TYPE_CHECKING:
    from services.accounts.oidc.provider import Provider

log = logging.getLogger(__name__)


def new_attempt() -> Attempt:
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Attempt(state=state, nonce=nonce, verifier=verifier)


def provider_of(resources: Resources) -> "Provider":
    """Raises NotFound where people sign in by password alone."""
    if resources.provider is None:
        raise NotFound("people sign in by password here: no provider is set up")
    return resources.provider


async def come_back(resources: Resources, answer: Answer, *, cookie: str, address: str) -> SignedIn:
    """Sign in whoever the provider sent back. Raises Unauthenticated, TooMany, Unavailable, NotFound, and Forbidden for
    somebody who has no role here."""
    provider = provider_of(resources)
    attempt = attempt_in(cookie, answer)
    claims = await _claims(resources, provider, answer, attempt, address)
    given = await _given(resources, provider, claims)
    identity = Identity(issuer=provider.terms.issuer, subject=claims["sub"])
    known = await resources.store.person_known_as(identity)
    if known is None and not given:
        raise _no_role(provider)
    if known is None:
        person = await _new(resources, identity, claims, given, address)
    else:
        person = await _changed(resources, known, given, address)
    if not teams_of(person):
        raise _no_role(provider)
    return await begun(resources, person, teams_of(person)[0], address)


async def _claims(
    resources: Resources, provider: "Provider", answer: Answer, attempt: Attempt, address: str
) -> Mapping[str, Any]:
    """What the provider says. Whoever comes with answers that it does not confirm is slowed down."""
    now, place = resources.clock(), place_of(address)
    resources.by_address.begin(place, now)
    is_refused = False
    try:
        return await provider.claims(answer, attempt)
    except Unauthenticated:
        is_refused = True
        raise
    finally:
        if not is_refused:
            resources.by_address.take_back(place, now)


async def _given(resources: Resources, provider: "Provider", claims: Mapping[str, Any]) -> Sequence[Membership]:
    """The memberships that the claims give in teams that there are."""
    wanted = mapping.memberships_of(mapping.values_of(claims, provider.terms.claim), provider.terms.roles)
    return [one for one in wanted if await _exists(resources, one.team)]


async def _exists(resources: Resources, team: str) -> bool:
    try:
        await resources.store.teams.find(team)
    except NotFound:
        log.warning("QUORATE_OIDC_ROLES gives roles in the team %.64r, which there is not", team)
        return False
    return True


async def _new(
    resources: Resources, identity: Identity, claims: Mapping[str, Any], given: Sequence[Membership], address: str
) -> Person:
    """Somebody who is here for the first time, under a name that nobody has: a name proves nothing. Raises Conflict."""
    for name in mapping.names_of(claims):
        if await resources.store.person_named(name_key_of(name)) is not None:
            continue
        person = vouched_person(secrets.token_hex(16), name, identity, given, resources.clock())
        noted = [
            entry(resources, as_doer(person, team, address), "person.join", person.id) for team in teams_of(person)
        ]
        if await resources.store.people.insert(person, noted=noted):
            await _enlist(resources, person)
            return person
        known = await resources.store.person_known_as(identity)
        if known is not None:  # they came twice at once
            return await _changed(resources, known, given, address)
    raise Conflict("too many people have this name: ask your provider for another")


async def _changed(resources: Resources, known: Person, given: Sequence[Membership], address: str) -> Person:
    """Somebody with the roles that the provider gives them now. Whoever stops being an admin is taken off the team's
    list first, and whoever begins is put on it last."""
    wanted = vouched(known, given)
    if wanted is known:
        return known
    lost = [one.team for one in known.memberships if is_admin(known, one.team) and not is_admin(wanted, one.team)]
    for team in lost:
        await resources.store.teams.update(team, lambda one, _now: relieved(one, known.id))
    teams = dict.fromkeys(one.team for one in (*known.memberships, *wanted.memberships))
    noted = [entry(resources, as_doer(known, team, address), "person.change", known.id) for team in teams]
    person = await resources.store.people.update(known.id, lambda one, _now: vouched(one, given), noted=noted)
    await resources.relay.hand_over()
    await _enlist(resources, person)
    return person


async def _enlist(resources: Resources, person: Person) -> None:
    """Put somebody on the lists of the teams whose admin they are, unless they are not any more."""
    for team in (one for one in teams_of(person) if is_admin(person, one)):
        await resources.store.teams.update(team, lambda one, _now: with_admin(one, person.id))
        if not is_admin(await resources.store.people.find(person.id), team):  # somebody was faster
            await resources.store.teams.update(team, lambda one, _now: relieved(one, person.id))


def _no_role(provider: "Provider") -> Forbidden:
    return Forbidden(f"{provider.terms.name} knows you, but you have no role here: ask an admin of your team for one")
