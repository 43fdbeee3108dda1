"""What members of a team may be."""

from collections.abc import Collection
from typing import Literal, get_args

Role = Literal["client", "operator", "adjudicator", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)


def known_roles(named: Collection[str]) -> tuple[Role, ...]:
    """Those of these that this version knows, in their order."""
    return tuple(role for role in ROLES if role in named)
