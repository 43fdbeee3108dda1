"""What only the embedded platform serves: objects by signed URL and form."""

import asyncio
import contextlib
import re
from pathlib import Path

from fastapi import Request, Response

from services.task_manager import multipart
from services.task_manager.multipart import Part, PartLimits
from shared.clock import Clock
from shared.errors import Invalid, NotFound
from shared.http import form_headers
from shared.http.hot import HotRouter
from shared.http.requests import BoundedRequest
from shared.objects.filesystem import FilesystemObjectStore
from shared.objects.keys import STAGING, cache_control, media_type

_EXPIRES = re.compile(rb"(?:^|&)expires=([0-9]{1,12})(?:&|$)")
_SIGNATURE = re.compile(rb"(?:^|&)signature=([0-9a-f]{64})(?:&|$)")
_NUMBER = re.compile(r"[0-9]{1,12}")
FORM_OVERHEAD_BYTES = 20_000
"""What a form may hold beside its file."""


def router(objects: FilesystemObjectStore, clock: Clock, spool: Path) -> HotRouter:
    """Image files, for those who have a URL that has not expired, and a place to leave files, for those with a form."""
    routes = HotRouter(include_in_schema=False)

    @routes.hot("/objects/{task_id}/{name}", methods=["GET"])
    async def image(task_id: str, name: str, request: Request) -> Response:
        key, query = f"{task_id}/{name}", request.scope["query_string"]
        expires, signature = _EXPIRES.search(query), _SIGNATURE.search(query)
        if not (expires and signature and objects.is_signed(key, int(expires[1]), signature[1].decode(), now=clock())):
            raise NotFound("no such image, or its URL has expired")
        headers = {"Cache-Control": cache_control(key), "Cross-Origin-Resource-Policy": "same-site"}
        return Response(await objects.get(key), 200, headers, media_type(key))

    async def stage(request: Request) -> Response:
        key = f"{STAGING}{request.path_params['task_id']}/{request.path_params['name']}"
        expires, max_bytes, signature = (
            request.query_params.get(name, "") for name in ("expires", "max_bytes", "signature")
        )
        if not (
            _NUMBER.fullmatch(expires)
            and _NUMBER.fullmatch(max_bytes)
            and objects.is_signed(key, int(expires), signature, now=clock(), max_bytes=int(max_bytes))
        ):
            raise NotFound("no such form, or it has expired")
        body = BoundedRequest(request.scope, request.receive)
        body.max_body_bytes = int(max_bytes) + FORM_OVERHEAD_BYTES
        try:
            data = await _file_of(body, int(max_bytes), spool)
            if not data:
                raise Invalid("send a file that is not empty in the form field 'file'")
            await objects.put(key, data)
        finally:
            body.done()
        return Response(status_code=204)

    routes.add_route(f"/objects/{STAGING}{{task_id}}/{{name}}", stage, methods=["POST"])
    return routes


async def _file_of(body: BoundedRequest, max_bytes: int, spool: Path) -> bytes:
    """The content of a form's field `file`; nothing where it has none."""
    boundary = form_headers.boundary_of(body.headers.get("content-type", ""))
    limits = PartLimits(max_picture_bytes=max_bytes, max_archive_bytes=max_bytes)
    data = b""
    async with contextlib.aclosing(multipart.parts(body.held_stream(), boundary, limits=limits, spool=spool)) as parts:
        async for part in parts:
            content = await _content(part)
            if part.disposition.field == "file":
                data = content
    return data


async def _content(part: Part) -> bytes:
    if part.error is not None:
        raise part.error
    if part.archive is None:
        return part.data
    with part.archive as file:  # it is taken like anything else: to refuse what is no picture is left to the commit
        file.seek(0)
        return await asyncio.to_thread(file.read)
