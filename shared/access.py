"""Who may do what. Pure: every route asks here, and nothing else decides it."""

from collections.abc import Mapping
from typing import Literal

from shared.errors import Forbidden
from shared.identity import Caller, Role
from shared.teams import FIRST_TEAM

Action = Literal[
    "make tasks",
    "invite operators",
    "read tasks",
    "label",
    "see votes",
    "adjudicate",
    "estimate",
    "detect",
    "administer",
    "be a member",
]
MAY: Mapping[Action, frozenset[Role]] = {
    "make tasks": frozenset({"client"}),
    "invite operators": frozenset({"client", "admin"}),
    "read tasks": frozenset({"client", "adjudicator", "admin"}),
    "label": frozenset({"operator"}),
    "see votes": frozenset({"client", "adjudicator"}),
    "adjudicate": frozenset({"adjudicator"}),
    "estimate": frozenset({"client", "adjudicator", "admin"}),
    "detect": frozenset({"client", "operator", "adjudicator"}),
    "administer": frozenset({"admin"}),
    "be a member": frozenset({"client", "operator", "adjudicator", "admin"}),
}


def allow_operating(caller: Caller) -> None:
    """Raises Forbidden where the caller is no admin of the first team, which runs the platform for all the others."""
    allow(caller, "administer")
    if caller.team != FIRST_TEAM:
        raise Forbidden("this is about the whole platform: it takes an admin of its first team")


def may(caller: Caller, action: Action) -> bool:
    """Whether one of the caller's roles allows this."""
    return not MAY[action].isdisjoint(caller.roles)


def allow(caller: Caller, action: Action) -> None:
    """Raises Forbidden where none of the caller's roles allows this."""
    if not may(caller, action):
        roles = ", ".join(sorted(MAY[action]))
        raise Forbidden(f"this takes one of the roles {roles}, in your team")
