"""Dead letters over HTTP: list them, and deliver them again."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from shared.bus import Bus
from shared.clock import iso
from shared.http import problems
from shared.http.answers import json_answer
from shared.http.paging import Limit
from shared.http.requests import Wire, bounded
from shared.identity import Who


class DeadLetterShown(BaseModel):
    id: str
    queue: str
    type: str
    subject: str
    reason: str
    died_at: str


class DeadLetters(BaseModel):
    items: list[DeadLetterShown]


class ReplayRequest(Wire):
    """Which dead letters to deliver again; none named: all."""

    ids: Annotated[list[str], Field(max_length=1000)] | None = None


class Replayed(BaseModel):
    replayed: int


def router(bus: Bus) -> APIRouter:
    """The routes of dead letters."""
    routes = APIRouter(prefix="/api/admin", tags=["admin"], route_class=bounded(), responses=problems.RESPONSES)

    @routes.get("/dead", response_model=DeadLetters)
    async def dead(_who: Who, limit: Limit = 100) -> Response:
        letters = await bus.dead_letters(limit)
        return json_answer({"items": [asdict(letter) | {"died_at": iso(letter.died_at)} for letter in letters]})

    @routes.post("/dead/replay", response_model=Replayed)
    async def replay(wanted: ReplayRequest, _who: Who) -> Response:
        return json_answer({"replayed": await bus.replay(wanted.ids or None)})

    return routes
