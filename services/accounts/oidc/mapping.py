"""What a provider's claims mean here: a name, and roles in teams. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from services.accounts.domain import Membership, person_name_in, roles_in
from shared.errors import Invalid
from shared.identity.roles import Role

RolesByValue = Mapping[str, Mapping[str, tuple[Role, ...]]]
"""Of each value of the claim, the roles that it gives, by team."""
NAMES = ("name", "preferred_username")
"""Claims that people may be called by. Not the address of their post: names stand beside their work."""
NAMELESS = "New person"


def values_of(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """The values of a claim, which is one text or several. A name with dots is looked for within claims, too."""
    found = claims.get(name)
    if found is None and "." in name:
        found = _within(claims, name)
    values = cast("list[Any]", found) if isinstance(found, list) else [found]
    return frozenset(one for one in values if isinstance(one, str))


def _within(claims: Mapping[str, Any], path: str) -> Any:
    found: Any = claims
    for name in path.split("."):
        found = cast("Mapping[str, Any]", found).get(name) if isinstance(found, Mapping) else None
    return found


def memberships_of(values: frozenset[str], roles: RolesByValue) -> tuple[Membership, ...]:
    """The memberships that these values of the claim give, in the order of the settings."""
    by_team: dict[str, set[Role]] = {}
    for value, teams in roles.items():
        for team, given in teams.items() if value in values else ():
            by_team.setdefault(team, set()).update(given)
    return tuple(
        Membership(team=team, roles=roles_in(given), by_provider=True) for team, given in by_team.items() if given
    )


def names_of(claims: Mapping[str, Any]) -> Iterator[str]:
    """Names that somebody new may have, the best first: each may be taken."""
    called = NAMELESS
    for claim in NAMES:
        try:
            called = person_name_in(str(claims.get(claim) or ""))
            break
        except Invalid:
            continue
    yield called
    for number in range(2, 10):
        yield f"{called[:90]} {number}"
