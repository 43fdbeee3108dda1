"""The caller of a request. Every route takes it from here, so that authentication will change no route."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal, get_args

from fastapi import Depends, Request
from starlette.types import Scope

from shared.errors import Invalid
from shared.results import DETECTOR

Role = Literal["client", "operator", "adjudicator", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
LOCAL = "local"
HEADER = b"x-quorate-user"
CALLERS_CACHED = 4_096
_ID = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request. With authentication off, every caller may do everything."""

    id: str
    roles: tuple[Role, ...] = ROLES


@lru_cache(CALLERS_CACHED)
def identified(user: str) -> Caller:
    """The caller with this name, with authentication off: may do everything, except pose as a detector."""
    if not _ID.fullmatch(user) or not user.strip():
        raise Invalid("a user id has 1 to 200 characters, none of them a control character")
    if user.startswith(DETECTOR):
        raise Invalid("a user id must not begin with 'detector:'")
    return Caller(user)


def caller_of(scope: Scope) -> Caller:
    """The caller, by the name that the edge read from the request (`QUORATE_AUTH=off`)."""
    return identified(scope["caller_name"])


async def from_request(request: Request) -> Caller:
    """The caller of a request, for routes of FastAPI."""
    return caller_of(request.scope)


Who = Annotated[Caller, Depends(from_request)]
