"""HTTP in and out of the detector."""

import asyncio
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from services.detector import handlers, wire
from services.detector.pool import InferencePool
from shared.access import allow
from shared.errors import Invalid
from shared.http import problems
from shared.http.addresses import holder_of
from shared.http.answers import json_answer
from shared.http.bodies import Bodies
from shared.http.form_headers import boundary_of
from shared.http.hanging_up import unless_gone
from shared.http.requests import bounded
from shared.identity import Who, from_request
from shared.pictures.refusals import refuse_large_file

INLINE_BYTES = 500_000
"""Parsing a JSON body of this size takes less than a millisecond; a larger one would block the event loop."""

_FORM = {
    "type": "object",
    "description": "one picture, in any of these fields, and its id",
    "properties": {
        "id": {"type": "string", "maxLength": wire.MAX_ID_CHARACTERS},
        **{field: {"type": "string", "format": "binary", "minLength": 1} for field in wire.PICTURE_FIELDS},
    },
    "oneOf": [{"required": [field]} for field in wire.PICTURE_FIELDS],
}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
DESCRIBED: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": wire.DetectionRequest.model_json_schema()},
            "multipart/form-data": {"schema": _FORM},
            "image/*": _BINARY,
            "application/octet-stream": _BINARY,
        },
    },
    "parameters": [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in wire.DetectionQuery.model_json_schema()["properties"].items()
    ],
}
"""What FastAPI would document if it parsed the request; letting it parse would double the cost of the route."""


def router(pool: InferencePool | None, *, max_picture_bytes: int) -> APIRouter:
    """The synchronous detection API; without a model, `pool` is None.

    max_picture_bytes: the largest picture that is accepted, decoded from base64.
    """
    max_body_bytes = max_picture_bytes * 3 // 2 + 10_000  # in base64, which may be in lines
    routes = APIRouter(
        prefix="/api",
        tags=["detector"],
        route_class=bounded(max_body_bytes, is_any_type=True),
        responses=problems.RESPONSES,
    )

    @routes.post(
        "/object_detection", response_model=wire.DetectionAnswer, openapi_extra=DESCRIBED, responses=wire.TIMED
    )
    async def object_detection(request: Request) -> Response:
        allow(await from_request(request), "detect")
        query = wire.read_query(request.query_params)
        read = _reader(request)
        holder = holder_of(request.scope)
        try:
            async with _bodies(request).reading(request.stream(), holder) as body:
                request_id, picture = await read(body)
                del body
                refuse_large_file(picture, max_picture_bytes)
                looking = handlers.detect(pool, picture, holder, confidence=query.confidence, nms=query.nms)
                look = await unless_gone(request, looking)
        except ClientDisconnect:
            return Response(status_code=499)  # the caller is gone
        answer = wire.detection_answer(query.id if request_id is None else request_id, look.objects)
        return json_answer(answer, headers={"Server-Timing": wire.server_timing(look)})

    @routes.get("/models", response_model=wire.Models)
    async def models(who: Who) -> Response:
        allow(who, "be a member")
        return json_answer(wire.models_answer(pool))

    return routes


def _bodies(request: Request) -> Bodies:
    """Those that the process holds."""
    return request.scope["bodies"]


def _reader(request: Request):
    """The function that reads the body, by its media type."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json" or media_type.endswith("+json"):
        return _read_json
    if media_type == "multipart/form-data":
        return partial(_read_form, boundary=boundary_of(request.headers["content-type"]))
    if media_type.startswith("image/") or media_type == "application/octet-stream":
        return _read_picture
    raise HTTPException(
        415,
        "send application/json, a form as multipart/form-data, or the bytes of a picture as image/* or "
        "application/octet-stream",
    )


async def _read_json(body: bytes) -> tuple[str | float, bytes]:
    if len(body) <= INLINE_BYTES:
        return wire.read_request(body)
    return await asyncio.to_thread(wire.read_request, body)


async def _read_form(body: bytes, *, boundary: bytes) -> tuple[str | None, bytes]:
    if len(body) <= INLINE_BYTES:
        return wire.read_form(body, boundary)
    return await asyncio.to_thread(wire.read_form, body, boundary)


async def _read_picture(body: bytes) -> tuple[None, bytes]:
    if not body:
        raise Invalid("the body is empty: send a picture")
    return None, body
