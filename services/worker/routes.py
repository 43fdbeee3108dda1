"""HTTP in and out of the worker."""

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from services.worker import wire
from services.worker.preview import Previews
from shared.access import allow
from shared.http import problems
from shared.http.addresses import holder_of
from shared.http.answers import json_answer
from shared.http.bodies import Bodies
from shared.http.form_headers import boundary_of
from shared.http.hanging_up import unless_gone
from shared.http.requests import bounded
from shared.identity import Who

_FORM = {
    "type": "object",
    "description": "the operations of a pipeline, as JSON, and one picture in any of the other fields",
    "properties": {
        "operations": {"type": "string", "maxLength": wire.MAX_OPERATIONS_BYTES},
        **{field: {"type": "string", "format": "binary", "minLength": 1} for field in wire.PICTURE_FIELDS},
    },
    "required": ["operations"],
    "oneOf": [{"required": [field]} for field in wire.PICTURE_FIELDS],
}
DESCRIBED: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}},
}


def router(previews: Previews, *, max_picture_bytes: int) -> APIRouter:
    """What pipelines can do, and what one would make of a sample. max_picture_bytes: the largest that is accepted."""
    routes = APIRouter(
        prefix="/api/pipelines",
        tags=["pipelines"],
        route_class=bounded(max_picture_bytes + wire.MAX_OPERATIONS_BYTES + 10_000, is_any_type=True),
        responses=problems.RESPONSES,
    )

    @routes.get("/operations", response_model=wire.Operations)
    async def operations(who: Who) -> Response:
        allow(who, "be a member")
        return json_answer(wire.OPERATIONS.model_dump())

    @routes.post("/preview", response_model=wire.Preview, openapi_extra=DESCRIBED)
    async def preview(who: Who, request: Request) -> Response:
        allow(who, "make tasks")
        content_type = request.headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
            raise HTTPException(415, "send a form as multipart/form-data")
        holder = holder_of(request.scope)
        bodies: Bodies = request.scope["bodies"]
        try:
            async with bodies.reading(request.stream(), holder) as body:
                wanted, picture = wire.read_preview(body, boundary_of(content_type))
                del body
                steps = await unless_gone(request, previews.preview(picture, wanted, holder))
        except ClientDisconnect:
            return Response(status_code=499)  # the caller is gone
        return json_answer({"steps": steps})

    return routes
