"""What only the embedded platform serves: image files by signed URL, dead letters, and its own health."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from shared import problems
from shared.answers import json_answer
from shared.bus import Bus
from shared.caller import Who
from shared.clock import Clock, iso
from shared.errors import NotFound
from shared.objects.filesystem import FilesystemObjectStore
from shared.requests import Wire, bounded

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


def object_router(objects: FilesystemObjectStore, clock: Clock) -> APIRouter:
    """Image files, to whoever has a URL that has not expired."""
    routes = APIRouter(tags=["images"], responses=problems.RESPONSES)

    @routes.get("/objects/{task_id}/{name}", response_class=Response)
    async def image(task_id: str, name: str, expires: int, signature: Annotated[str, Query(max_length=64)]) -> Response:
        key = f"{task_id}/{name}"
        if not objects.is_signed(key, expires=expires, signature=signature, now=clock()):
            raise NotFound("no such image, or its URL has expired")
        headers = {"Cache-Control": "private, max-age=600, immutable", "Content-Security-Policy": "default-src 'none'"}
        return Response(await objects.get(key), 200, headers, MEDIA_TYPES[name.rpartition(".")[2]])

    return routes


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
