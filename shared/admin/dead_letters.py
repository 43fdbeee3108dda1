"""Dead letters over HTTP: list them, read one, deliver them again, discard one."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from shared.admin import OPERATING
from shared.auditing import Auditor
from shared.bus import Bus, DeadLetter
from shared.clock import iso
from shared.http import problems
from shared.http.answers import json_answer
from shared.http.paging import Limit
from shared.http.requests import Wire, bounded
from shared.identity import Who

MAX_PAYLOAD = 100_000
ALL = "all"
LetterId = Annotated[str, Path(max_length=200)]


class DeadLetterShown(BaseModel):
    id: str
    queue: str
    type: str
    subject: str
    reason: str
    died_at: str


class DeadLetterWhole(DeadLetterShown):
    """payload: the event as text, its first 100,000 characters."""

    payload: str


class DeadLetters(BaseModel):
    items: list[DeadLetterShown]


class ReplayRequest(Wire):
    """Which dead letters to deliver again; none named: all."""

    ids: Annotated[list[str], Field(max_length=1000)] | None = None


class Replayed(BaseModel):
    replayed: int


def _shown(letter: DeadLetter) -> dict[str, str]:
    return asdict(letter) | {"died_at": iso(letter.died_at)}


def router(bus: Bus, auditor: Auditor) -> APIRouter:
    """The routes of dead letters."""
    routes = APIRouter(
        prefix="/api/admin", tags=["admin"], route_class=bounded(), responses=problems.RESPONSES, dependencies=OPERATING
    )

    @routes.get("/dead", response_model=DeadLetters)
    async def dead(_who: Who, limit: Limit = 100) -> Response:
        letters = await bus.dead_letters(limit)
        return json_answer({"items": [_shown(letter) for letter in letters]})

    @routes.get("/dead/{letter_id}", response_model=DeadLetterWhole)
    async def dead_letter(letter_id: LetterId, _who: Who) -> Response:
        letter, body = await bus.dead_letter(letter_id)
        return json_answer(_shown(letter) | {"payload": body.decode(errors="replace")[:MAX_PAYLOAD]})

    @routes.delete("/dead/{letter_id}", status_code=204)
    async def discard(letter_id: LetterId, who: Who) -> Response:
        await bus.discard(letter_id, auditor.notes(who, "dead_letters.discard", letter_id))
        auditor.tell(who, "dead_letters.discard", dead_letter=letter_id)
        return Response(status_code=204)

    @routes.post("/dead/replay", response_model=Replayed)
    async def replay(wanted: ReplayRequest, who: Who) -> Response:
        told = [note for one in wanted.ids or [ALL] for note in auditor.notes(who, "dead_letters.replay", one)]
        replayed = await bus.replay(wanted.ids or None, told)
        for one in wanted.ids or [ALL]:
            auditor.tell(who, "dead_letters.replay", dead_letter=one)
        return json_answer({"replayed": replayed})

    return routes
