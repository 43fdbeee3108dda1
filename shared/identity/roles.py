"""What members of a team may be, and the team that every platform has."""

from typing import Literal, get_args

Role = Literal["client", "operator", "adjudicator", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
FIRST_TEAM = "first"
"""The team of a fresh platform, and of all that is older than teams."""
