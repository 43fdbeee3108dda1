"""HTTP in and out of exports."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.task_manager import handlers
from services.task_manager.exports import Exports, Wanted
from services.task_manager.handlers import Resources
from services.task_manager.order import Complete
from shared import arrivals
from shared.export_formats import ExportFormat
from shared.http import problems
from shared.http.addresses import holder_of
from shared.http.requests import AS_FLAG, AS_NUMBER, bounded
from shared.identity import Who
from shared.results import State

Images = Annotated[bool | None, Query(description="whether the pictures are in it; an imagefolder has them"), AS_FLAG]
States = Annotated[
    State | None, Query(description="images in this state; without it jsonl and csv have all, others the completed")
]
Split = Annotated[
    float, Query(gt=0, le=1, description="share of the images to train with; yolo and imagefolder"), AS_NUMBER
]


def router(resources: Resources) -> APIRouter:
    """The results of a task as a file."""
    routes = APIRouter(prefix="/api", tags=["tasks"], route_class=bounded(), responses=problems.RESPONSES)
    exports = Exports(resources.store, resources.objects, resources.spool)

    @routes.get("/tasks/{task_id}/export", response_class=StreamingResponse, responses=arrivals.DESCRIBED)
    async def export_results(
        task_id: str,
        who: Who,
        request: Request,
        form: Annotated[ExportFormat, Query(alias="format")] = "jsonl",
        order: Complete = "id",
        images: Images = None,
        state: States = None,
        split: Split = 1.0,
    ) -> StreamingResponse:
        await handlers.allow_on(resources, who, "read tasks", task_id)
        task, up_to_date = await handlers.recorded_results(resources, task_id=task_id)
        wanted = Wanted(form=form, order=order, images=images, state=state, split=split)
        media_type, extension = exports.check(task, wanted)
        named = f'attachment; filename="{task_id}.{extension}"'
        headers = {arrivals.HEADER: up_to_date, "Content-Disposition": named}
        place = exports.place(wanted, holder_of(request.scope))
        return _Placed(place, exports.file(task, wanted), headers, media_type)

    return routes


class _Placed(StreamingResponse):
    """An answer that has a place for as long as it is sent, and is refused where there is none."""

    def __init__(
        self,
        place: AbstractContextManager[None],
        content: AsyncIterator[bytes],
        headers: Mapping[str, str],
        media_type: str,
    ) -> None:
        super().__init__(content, headers=headers, media_type=media_type)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._place:
            await super().__call__(scope, receive, send)
