"""HTTP in and out of the predecessor's own request, and of the files of tasks."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from pydantic import BaseModel

from services.task_manager import domain, handlers
from services.task_manager.export_routes import Placed
from services.task_manager.handlers import Resources
from services.task_manager.ingest import Report
from services.task_manager.pipelines.actions import FIELD, FILE_FIELDS, MAX_ACTIONS_BYTES
from services.task_manager.pipelines.files import Files, in_pieces, name_of
from services.task_manager.pipelines.processing import Processed, Processing
from services.task_manager.routes import FORM_OVERHEAD_BYTES, reported
from services.task_manager.uploads import Uploads
from shared.access import allow
from shared.errors import UnsupportedType
from shared.http import problems
from shared.http.addresses import holder_of
from shared.http.answers import json_answer
from shared.http.hanging_up import unless_gone
from shared.http.requests import AS_NUMBER, bounded
from shared.identity import Who
from shared.objects.keys import cache_control
from shared.steady_clock import wall_of

LONGEST_WAIT_S = 30
Wait = Annotated[
    float, Query(ge=0, le=LONGEST_WAIT_S, description="seconds to wait until all is done, at the most"), AS_NUMBER
]

_FILE = {"type": "array", "items": {"type": "string", "format": "binary"}}
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {
                        FIELD: {
                            "type": "string",
                            "maxLength": MAX_ACTIONS_BYTES,
                            "description": "a pipeline as JSON: `operations`, `output`, `quality`",
                        },
                        **dict.fromkeys(FILE_FIELDS, _FILE),
                    },
                }
            }
        },
    }
}


class ProcessedFile(BaseModel):
    """A derived image: the name of its file, and where that is."""

    filename: str
    url: str


class FailedFile(BaseModel):
    """A picture that could not be worked on, and why."""

    filename: str
    reason: str


class ProcessShown(BaseModel):
    """How far a request is: `processing` or `done`. `files`: what came of it by now, the first 10,000 of them where
    `more` is true; `zip`: all of them. `failed`: pictures that could not be worked on."""

    task_id: str
    status: str
    files: list[ProcessedFile]
    failed: list[FailedFile]
    more: bool
    zip: str


class ProcessTaken(ProcessShown):
    """The same of a request just taken. `rejected`: files that are no pictures within the limits, and why."""

    rejected: list[FailedFile]


def router(resources: Resources, uploads: Uploads) -> APIRouter:
    """The predecessor's request, by its own paths."""
    route_class = bounded(resources.archives.max_unpacked_bytes + FORM_OVERHEAD_BYTES, is_any_type=True)
    routes = APIRouter(tags=["pipelines"], route_class=route_class, responses=problems.RESPONSES)
    processing = Processing(resources, uploads)
    files = Files(resources.store, resources.objects, resources.spool)

    @routes.post(
        "/process",
        response_model=ProcessTaken,
        openapi_extra=_FORM,
        responses={202: {"model": ProcessTaken, "description": "Not done yet: `Location` says where to ask"}},
    )
    async def process(
        request: Request,
        who: Who,
        wait: Wait = LONGEST_WAIT_S,
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
    ) -> Response:
        allow(who, "make tasks")
        content_type = request.headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
            raise UnsupportedType("send multipart/form-data: actions, and files")
        holder = holder_of(request.scope)
        task_id, reports = await processing.take(who, holder, idempotency_key, request.stream(), content_type)
        if not any(report.is_taken for report in reports):
            return await reported(resources, who, request, reports)
        await unless_gone(request, processing.wait(task_id, wait))
        shown = process_shown(await processing.processed(task_id))
        return _answered(shown | {"rejected": _rejected(reports)})

    @routes.get(
        "/process/{task_id}",
        response_model=ProcessShown,
        responses={202: {"model": ProcessShown, "description": "Not done yet"}},
    )
    async def state(task_id: str, who: Who) -> Response:
        await handlers.allow_on(resources, who, "read tasks", task_id)
        return _answered(process_shown(await processing.processed(task_id)))

    @routes.get("/static/processed/{task_id}/{name}", response_class=Response)
    async def file(task_id: str, name: str, who: Who, request: Request) -> Response:
        await handlers.allow_pictures(resources, who, task_id)
        domain.refuse_erased(await resources.store.task(task_id))
        image = await files.named(task_id, name)

        async def answer() -> Response:
            data = await files.read(image)
            headers = {"Cache-Control": cache_control(image.object_key), "Content-Length": str(len(data))}
            return StreamingResponse(in_pieces(data), 200, headers, image.media_type)

        return Placed(files.sending(holder_of(request.scope)), answer)

    _add_files(routes, resources, files)
    return routes


def _add_files(routes: APIRouter, resources: Resources, files: Files) -> None:
    @routes.get("/api/tasks/{task_id}/files", response_class=StreamingResponse)
    async def archive(task_id: str, who: Who, request: Request) -> Response:
        await handlers.allow_on(resources, who, "read tasks", task_id)
        task = await resources.store.task(task_id)
        domain.refuse_erased(task)
        headers = {"Content-Disposition": f'attachment; filename="{task_id}.zip"'}

        async def answer() -> Response:
            return StreamingResponse(files.archive(task), 200, headers, "application/zip")

        return Placed(files.place(holder_of(request.scope)), answer)

    @routes.get(
        "/api/tasks/{task_id}/images/{image_id}/file",
        status_code=307,
        response_class=RedirectResponse,
        responses={307: {"description": "`Location` is a URL of the file that anyone may read until it expires"}},
    )
    async def image_file(task_id: str, image_id: str, who: Who) -> Response:
        await handlers.allow_pictures(resources, who, task_id)
        domain.refuse_erased(await resources.store.task(task_id))
        image = await files.image(task_id, image_id)
        url = resources.objects.url(image.object_key, now=wall_of(resources.clock)())
        return RedirectResponse(url, 307, {"Cache-Control": "no-store"})


def process_shown(processed: Processed) -> dict[str, Any]:
    """How far a request is, as an answer."""
    task_id = processed.task.id
    names = map(name_of, processed.images)
    return {
        "task_id": task_id,
        "status": "done" if processed.task.state == "completed" else "processing",
        "files": [{"filename": name, "url": f"/static/processed/{task_id}/{quote(name)}"} for name in names],
        "failed": [{"filename": one.filename, "reason": one.failure} for one in processed.failed],
        "more": processed.is_cut,
        "zip": f"/api/tasks/{task_id}/files",
    }


def _rejected(reports: list[Report]) -> list[dict[str, Any]]:
    return [{"filename": one.filename, "reason": one.reason} for one in reports if one.status == "rejected"]


def _answered(shown: dict[str, Any]) -> Response:
    if shown["status"] == "done":
        return json_answer(shown)
    return json_answer(shown, 202, {"Location": f"/process/{shown['task_id']}", "Retry-After": "1"})
