"""HTTP in and out of jobs: the paths and the form of the service whose clients send single pictures."""

from typing import Any

from fastapi import APIRouter, Request, Response

from services.task_manager.domain import Image
from services.task_manager.jobs import handlers, wire
from services.task_manager.jobs.handlers import IsWanted, Jobs
from services.task_manager.order import KEYS
from services.task_manager.routes import FORM_OVERHEAD_BYTES, noted, nothing_taken
from shared.access import allow
from shared.errors import UnsupportedType
from shared.http import problems
from shared.http.addresses import holder_of
from shared.http.answers import json_answer
from shared.http.paging import Cursor, Limit, Pages, read_cursor
from shared.http.requests import bounded
from shared.identity import Caller, Who
from shared.objects.urls import image_urls
from shared.steady_clock import wall_of

_FILES = {"type": "array", "items": {"type": "string", "format": "binary"}}
_FORM = {"type": "object", "properties": dict.fromkeys(("image", "images", "files"), _FILES)}
_BODY = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}}


def submit_router(jobs: Jobs) -> APIRouter:
    """Where pictures come in, parsed as they come."""
    max_bytes = jobs.resources.archives.max_unpacked_bytes + FORM_OVERHEAD_BYTES
    route_class = bounded(max_bytes, is_any_type=True)
    routes = APIRouter(prefix="/jobs", tags=["jobs"], route_class=route_class, responses=problems.RESPONSES)

    @routes.post("/submit", status_code=201, response_model=wire.Submitted, openapi_extra=_BODY)
    async def submit(request: Request, who: Who) -> Response:
        allow(who, "make tasks")
        content_type = request.headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
            raise UnsupportedType("send multipart/form-data, with the picture in the field 'image'")
        async with jobs.resources.auditor.noting_quotas(who):
            task_id = await handlers.standing_task(jobs, who)
        reports = await jobs.uploads.form(task_id, holder_of(request.scope), request.stream(), content_type)
        await noted(jobs.resources, who, reports)
        answer = wire.submitted(task_id, reports)
        if not answer["accepted"] + answer["duplicates"]:
            return nothing_taken(request, reports, answer, "jobs")
        return json_answer(answer, 201)

    return routes


def router(jobs: Jobs) -> APIRouter:
    """Jobs, one by one and in lists."""
    routes = APIRouter(prefix="/jobs", tags=["jobs"], route_class=bounded(), responses=problems.RESPONSES)
    pages = Pages()

    def shown(image: Image) -> dict[str, Any]:
        resources = jobs.resources
        now = wall_of(resources.clock)()
        urls = image_urls(resources.objects, image.object_key, width=image.width, height=image.height, now=now)
        return wire.job_shown(image, urls, resources.clock())

    async def listed(who: Caller, is_wanted: IsWanted | None, cursor: str | None, limit: int) -> Response:
        allow(who, "read tasks")
        task_ids = await handlers.of_caller(jobs, who)
        return await pages.answer(
            lambda after, count: handlers.newest(jobs, task_ids, is_wanted, after=after, limit=count),
            shown,
            after=read_cursor(cursor, KEYS["newest"]),
            limit=limit,
        )

    @routes.get("/item/{job_id}", response_model=wire.JobShown)
    async def item(job_id: str, who: Who) -> Response:
        return json_answer(shown(await handlers.find(jobs, who, "read tasks", job_id)))

    @routes.get("/all", response_model=wire.JobsShown)
    async def everything(who: Who, cursor: Cursor = None, limit: Limit = 100) -> Response:
        return await listed(who, None, cursor, limit)

    @routes.get("/all_finished", response_model=wire.JobsShown)
    async def finished(who: Who, cursor: Cursor = None, limit: Limit = 100) -> Response:
        return await listed(who, handlers.is_finished, cursor, limit)

    @routes.delete("/item/{job_id}", status_code=204)
    async def remove(job_id: str, who: Who) -> Response:
        await handlers.remove(jobs, who, job_id)
        return Response(status_code=204)

    return routes
