"""What only the embedded platform serves: image files by signed URL, dead letters, and its own health."""

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.routing import Route

from shared import problems
from shared.answers import json_answer
from shared.bus import Bus
from shared.caller import Who
from shared.clock import Clock, iso
from shared.errors import NotFound
from shared.objects.filesystem import FilesystemObjectStore
from shared.requests import Wire, bounded

_EXPIRES = re.compile(r"[0-9]{1,12}")
MEDIA_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "bmp": "image/bmp"}


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


def object_route(objects: FilesystemObjectStore, clock: Clock) -> Route:
    """Image files, to whoever has a URL that has not expired.

    Operators ask for nothing more often: a plain route of Starlette costs half of what one of FastAPI does.
    """

    async def image(request: Request) -> Response:
        key = f"{request.path_params['task_id']}/{request.path_params['name']}"
        query = request.query_params
        expires, signature = query.get("expires", ""), query.get("signature", "")
        if not (_EXPIRES.fullmatch(expires) and objects.is_signed(key, int(expires), signature, now=clock())):
            raise NotFound("no such image, or its URL has expired")
        headers = {"Cache-Control": "private, max-age=600, immutable", "Content-Security-Policy": "default-src 'none'"}
        return Response(await objects.get(key), 200, headers, MEDIA_TYPES[key.rpartition(".")[2]])

    return Route("/objects/{task_id}/{name}", image)


def admin_router(bus: Bus) -> APIRouter:
    """Dead letters."""
    routes = APIRouter(prefix="/api/admin", tags=["admin"], route_class=bounded(), responses=problems.RESPONSES)

    @routes.get("/dead", response_model=DeadLetters)
    async def dead(_who: Who, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
        letters = await bus.dead_letters(limit)
        items = [
            {"id": one.id, "queue": one.queue, "type": one.type, "subject": one.subject, "reason": one.reason}
            | {"died_at": iso(one.died_at)}
            for one in letters
        ]
        return json_answer({"items": items})

    @routes.post("/dead/replay", response_model=Replayed)
    async def replay(wanted: ReplayRequest, _who: Who) -> Response:
        return json_answer({"replayed": await bus.replay(wanted.ids or None)})

    return routes


def health_router() -> APIRouter:
    """Whether the process lives. It answers only once everything is open, so it is ready when it lives."""
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz")
    @routes.get("/readyz")
    async def healthy() -> Response:
        return json_answer({"status": "ok"})

    return routes
