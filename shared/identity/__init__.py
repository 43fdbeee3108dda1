"""The caller of a request. Every route takes it from here, however callers are known."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import Scope

from shared.errors import Invalid, QuorateError
from shared.identity.roles import ROLES, Role
from shared.results import DETECTOR
from shared.teams import FIRST_TEAM

LOCAL = "local"
HEADER = b"x-quorate-user"
NAMED = "quorate.headers"
"""The scope's name for a request's headers by name; of one that is given twice, the first counts."""
CALLER = "quorate.caller"
"""The scope's name for the request's `Caller`, or for the error that says why nobody knows them."""
CALLERS_CACHED = 4_096
_ID = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request, and for which team. With authentication off, every caller may do everything.

    name: what people call them. session: that of the page or key by which they are known; empty with authentication
    off.
    """

    id: str
    roles: tuple[Role, ...] = ROLES
    team: str = FIRST_TEAM
    name: str = ""
    session: str = ""


@lru_cache(CALLERS_CACHED)
def identified(user: str) -> Caller:
    """The caller with this name, with authentication off: may do everything, except pose as a detector."""
    if not _ID.fullmatch(user) or not user.strip():
        raise Invalid("a user id has 1 to 200 characters, none of them a control character")
    if user.startswith(DETECTOR):
        raise Invalid("a user id must not begin with 'detector:'")
    return Caller(user, name=user)


async def caller_of(scope: Scope) -> Caller:
    """The caller, as the edge's `Authenticator` knows them. Raises Unauthenticated, Forbidden, and Invalid for a name
    that cannot be."""
    known: Caller | QuorateError = scope[CALLER]
    if isinstance(known, Caller):
        return known
    raise known


async def named(scope: Scope, user: str) -> Caller:
    """The caller of a request of an older client, whose body names them. With authentication off it is as they say;
    else the name has to be the caller's own id. Raises as `caller_of`, and Forbidden."""
    return scope["authenticator"].named(await caller_of(scope), user)


async def from_request(request: Request) -> Caller:
    """The caller of a request, for routes of FastAPI."""
    return await caller_of(request.scope)


Who = Annotated[Caller, Depends(from_request)]
