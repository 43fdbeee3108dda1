"""HTTP in and out of exports."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.task_manager import handlers
from services.task_manager.domain import ShownState
from services.task_manager.exports import Exports, Wanted
from services.task_manager.exports.ranges import span_asked
from services.task_manager.handlers import Resources
from services.task_manager.order import Complete
from shared import arrivals
from shared.export_formats import ExportFormat
from shared.http import problems
from shared.http.addresses import holder_of
from shared.http.hanging_up import unless_gone
from shared.http.requests import AS_FLAG, AS_NUMBER, bounded
from shared.identity import Who

Images = Annotated[bool | None, Query(description="whether the pictures are in it; an imagefolder has them"), AS_FLAG]
States = Annotated[
    ShownState | None,
    Query(description="images in this state; without it jsonl and csv have all, others the completed"),
]
Split = Annotated[
    float, Query(gt=0, le=1, description="share of the images to train with; yolo and imagefolder"), AS_NUMBER
]

Ranges = Annotated[
    str | None,
    Header(
        alias="Range",
        description="`bytes=N-`: from a byte on; or `bytes=N-M`. Other ranges are answered with the whole file",
    ),
]
IfRange = Annotated[
    str | None,
    Header(
        alias="If-Range",
        description="the `ETag` of the file that is begun: where it is another now, the answer is the whole file",
    ),
]
_BYTES = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
DESCRIBED: dict[int | str, dict[str, Any]] = {
    200: arrivals.DESCRIBED[200]
    | {
        "description": "The whole file. That of a task at rest has an `ETag`, with which the rest of a broken download"
        " can be asked for; where `Accept-Ranges` is `none`, it cannot"
    },
    206: {"description": "A part of the file", **_BYTES},
}


def router(resources: Resources, exports: Exports) -> APIRouter:
    """The results of a task as a file."""
    routes = APIRouter(prefix="/api", tags=["tasks"], route_class=bounded(), responses=problems.RESPONSES)

    @routes.get("/tasks/{task_id}/export", response_class=StreamingResponse, responses=DESCRIBED)
    async def export_results(
        task_id: str,
        who: Who,
        request: Request,
        form: Annotated[ExportFormat, Query(alias="format")] = "jsonl",
        order: Complete = "id",
        images: Images = None,
        state: States = None,
        split: Split = 1.0,
        span_text: Ranges = None,
        if_range: IfRange = None,
    ) -> Response:
        await handlers.allow_on(resources, who, "read tasks", task_id)
        holder = holder_of(request.scope)
        task, up_to_date = await handlers.recorded_results(resources, task_id=task_id)
        wanted = Wanted(form=form, order=order, images=images, state=state, split=split)
        media_type, extension = exports.check(task, wanted)
        headers = {
            arrivals.HEADER: up_to_date,
            "Content-Disposition": f'attachment; filename="{task_id}.{extension}"',
        }

        async def answer() -> Response:
            tag = await exports.tag(task, wanted)
            headers.update({"Accept-Ranges": "none"} if tag is None else {"Accept-Ranges": "bytes", "ETag": tag})
            span = span_asked(span_text, if_range, tag)
            if tag is None or span is None:
                return StreamingResponse(exports.file(task, wanted), 200, headers, media_type)
            size_bytes = await unless_gone(request, exports.size(task, wanted, tag, holder))
            span = span.within(size_bytes)
            headers["Content-Range"] = f"bytes {span.first}-{span.last}/{size_bytes}"
            headers["Content-Length"] = str(span.size_bytes)
            return StreamingResponse(exports.part(task, wanted, tag, span), 206, headers, media_type)

        return Placed(exports.place(wanted, holder), answer)

    return routes


class Placed(Response):
    """An answer that has a place for as long as it is made and sent, and is refused where there is none."""

    def __init__(self, place: AbstractContextManager[None], answer: Callable[[], Awaitable[Response]]) -> None:
        super().__init__()
        self._place = place
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._place:
            answer = await self._answer()
            await answer(scope, receive, send)
