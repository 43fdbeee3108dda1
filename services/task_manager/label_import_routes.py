"""HTTP in and out of imports of labels."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Annotated, Any, get_args

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.task_manager import handlers, wire
from services.task_manager.handlers import Resources
from services.task_manager.label_imports import Begun, LabelImports
from services.task_manager.label_imports.rows import Outcome, Row, Status, Unread
from shared.errors import UnsupportedType
from shared.http import problems
from shared.http.addresses import holder_of
from shared.http.requests import bounded
from shared.identity import Who
from shared.import_formats import ImportFormat

REPORT_TYPE = "application/x-ndjson"
_BYTES = "application/octet-stream"
_ZIP = ("application/zip", "application/x-zip-compressed")
MEDIA_TYPES: dict[ImportFormat, tuple[str, ...]] = {
    "csv": (_BYTES, "text/csv"),
    "jsonl": (_BYTES, REPORT_TYPE, "application/jsonl"),
    "coco": (_BYTES, "application/json", *_ZIP),
    "yolo": (_BYTES, *_ZIP),
    "imagefolder": (_BYTES, *_ZIP),
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in (_BYTES, "text/csv", *_ZIP)},
    }
}
_REPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A line for each row of the file, in its order, and a last one with `summary`. Without that one "
        "the report was cut off; the same file sent again goes on."
    }
}
Format = Annotated[ImportFormat, Query(alias="format", description="what the body is")]


def router(resources: Resources) -> APIRouter:
    """What clients say of images beforehand."""
    imports = LabelImports(resources.store, resources.relay, resources.spool, resources.archives)
    route_class = bounded(max(map(imports.max_bytes, MEDIA_TYPES)), is_any_type=True)
    routes = APIRouter(prefix="/api", tags=["tasks"], route_class=route_class, responses=problems.RESPONSES)

    @routes.post(
        "/tasks/{task_id}/labels",
        status_code=200,
        response_class=Report,
        response_model=wire.RowReport | wire.ImportReport,
        responses=_REPORT,
        openapi_extra=_BODY,
    )
    async def import_labels(task_id: str, form: Format, who: Who, request: Request) -> Response:
        await handlers.allow_on(resources, who, "make tasks", task_id)
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in MEDIA_TYPES[form]:
            raise UnsupportedType(f"send the file itself as the body, as {' or '.join(MEDIA_TYPES[form])}")
        with ExitStack() as files:
            files.enter_context(imports.place(holder_of(request.scope)))
            begun = await imports.begin(task_id, form, request.stream(), files)
            return Report(files.pop_all(), _report(imports, begun, form))

    return routes


class Report(StreamingResponse):
    """An answer that holds its file, and its place among those that are made, for as long as it is sent."""

    media_type = REPORT_TYPE

    def __init__(self, files: ExitStack, content: AsyncIterator[bytes]) -> None:
        super().__init__(content)
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._files:
            await super().__call__(scope, receive, send)


async def _report(imports: LabelImports, begun: Begun, form: ImportFormat) -> AsyncIterator[bytes]:
    counts: Counter[Status] = Counter()
    async for batch in imports.outcomes(begun):
        counts.update(outcome.status for _, outcome in batch)
        yield b"".join(_line(row, outcome) for row, outcome in batch)
    summary = {"rows": counts.total()} | {status: counts[status] for status in get_args(Status)}
    said = {"summary": summary, "format": form, "model": begun.model}
    yield orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE)


def _line(row: Row | Unread, outcome: Outcome) -> bytes:
    said = {"row": row.number, "name": row.name.encode("utf-8", "replace").decode(), "status": outcome.status}
    said |= {"image_id": outcome.image_id, "label": outcome.label, "reason": outcome.reason, "notes": outcome.notes}
    return orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE)
