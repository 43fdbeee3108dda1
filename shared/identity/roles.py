"""What members of a team may be."""

from typing import Literal, get_args

Role = Literal["client", "operator", "adjudicator", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
