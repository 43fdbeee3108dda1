"""Who asks. Every route takes its caller from here, so that authentication can come later without touching a route."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Request

from shared.errors import Invalid

Role = Literal["client", "operator", "adjudicator", "admin"]

LOCAL = "local"
HEADER = "x-quorate-user"
_ID = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
_DETECTOR = "detector:"


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated identity and what it may do."""

    id: str
    role: Role


def identified(user: str) -> Caller:
    """The caller of a name, with authentication off: it may do everything, but not vote as a detector."""
    if not _ID.fullmatch(user) or not user.strip():
        raise Invalid("a user id has 1 to 200 characters, none of them a control character")
    if user.startswith(_DETECTOR):
        raise Invalid("a user id must not begin with 'detector:'")
    return Caller(user, "admin")


async def from_request(request: Request) -> Caller:
    """The caller of a request (`QUORATE_AUTH=off`): named by the header `X-Quorate-User`, else the local one."""
    user = request.headers.get(HEADER)
    return Caller(LOCAL, "admin") if user is None else identified(user)


Who = Annotated[Caller, Depends(from_request)]
