"""HTTP in and out of imports."""

from typing import Any

from fastapi import APIRouter, Response

from services.task_manager import handlers as tasks
from services.task_manager.imports import handlers, wire
from services.task_manager.imports.handlers import PLACE, Imports
from services.task_manager.imports.rules import KEPT, Import
from shared.clock import iso
from shared.http import problems
from shared.http.answers import json_answer
from shared.http.paging import Cursor, Limit, Pages, read_cursor
from shared.http.requests import bounded
from shared.identity import Who


def router(imports: Imports) -> APIRouter:
    """Clients have the platform read their buckets, and see how far it is."""
    routes = APIRouter(prefix="/api", tags=["tasks"], route_class=bounded(), responses=problems.RESPONSES)
    pages = Pages()

    @routes.post("/tasks/{task_id}/imports", status_code=202, response_model=wire.ImportShown)
    async def begin(task_id: str, wanted: wire.ImportRequest, who: Who) -> Response:
        await tasks.allow_on(imports.resources, who, "make tasks", task_id)
        begun = await handlers.begin(
            imports,
            who,
            task_id=task_id,
            source=wanted.source(),
            credentials=wanted.credentials(),
            is_anew=wanted.anew,
        )
        return json_answer(_shown(begun), 202)

    @routes.get("/tasks/{task_id}/imports", response_model=wire.ImportsShown)
    async def of_task(task_id: str, who: Who) -> Response:
        await tasks.allow_on(imports.resources, who, "make tasks", task_id)
        return json_answer({"items": [_shown(one) for one in await imports.store.of_task(task_id, KEPT)]})

    @routes.get("/tasks/{task_id}/imports/{import_id}", response_model=wire.ImportShown)
    async def one(task_id: str, import_id: str, who: Who) -> Response:
        await tasks.allow_on(imports.resources, who, "make tasks", task_id)
        return json_answer(_shown(await handlers.find(imports, task_id=task_id, import_id=import_id)))

    @routes.get("/tasks/{task_id}/imports/{import_id}/refused", response_model=wire.RefusedFiles)
    async def refused(task_id: str, import_id: str, who: Who, cursor: Cursor = None, limit: Limit = 100) -> Response:
        await tasks.allow_on(imports.resources, who, "make tasks", task_id)
        found = await handlers.find(imports, task_id=task_id, import_id=import_id)
        return await pages.answer(
            lambda after, count: handlers.refused(imports, found, after=after, limit=count),
            lambda refusal: refusal,
            after=read_cursor(cursor, PLACE),
            limit=limit,
        )

    @routes.delete("/tasks/{task_id}/imports/{import_id}", status_code=204)
    async def cancel(task_id: str, import_id: str, who: Who) -> Response:
        await tasks.allow_on(imports.resources, who, "make tasks", task_id)
        await handlers.cancel(imports, who, task_id=task_id, import_id=import_id)
        return Response(status_code=204)

    return routes


def _shown(one: Import) -> dict[str, Any]:
    counted, source = one.counted, one.source
    is_waiting = one.state == "running" and one.trouble is not None and one.holder is None
    return {
        "id": one.id,
        "task_id": one.task_id,
        "endpoint": source.endpoint,
        "bucket": source.bucket,
        "prefix": source.prefix,
        "region": source.region,
        "has_key": one.sealed is not None,
        "state": one.state,
        "asked_at": iso(one.asked_at),
        "ended_at": None if one.ended_at is None else iso(one.ended_at),
        "files": counted.accepted + counted.duplicates + counted.rejected + counted.skipped,
        "accepted": counted.accepted,
        "duplicates": counted.duplicates,
        "rejected": counted.rejected,
        "skipped": counted.skipped,
        "trouble": one.trouble,
        "retry_at": iso(one.next_at) if is_waiting else None,
    }
