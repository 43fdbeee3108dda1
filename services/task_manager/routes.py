"""HTTP in and out of the task manager."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from services.task_manager import domain, handlers, wire
from services.task_manager import listing as listings
from services.task_manager.domain import Counts, Image, ShownState, Task
from services.task_manager.handlers import Resources
from services.task_manager.ingest import Report
from services.task_manager.listing import STATES, Listing, beginning_of, states_in
from services.task_manager.order import KEYS, By
from services.task_manager.pipelines import origins
from services.task_manager.search import Wanted, look_through
from services.task_manager.shapes import image_shown, staging_shown, task_shown, upload_shown
from services.task_manager.statistics_wire import StatisticsShown
from services.task_manager.uploads import Uploads
from shared import arrivals
from shared.access import allow
from shared.arrivals import UpToDate
from shared.errors import Invalid, UnsupportedType
from shared.http import problems
from shared.http.addresses import holder_of
from shared.http.answers import json_answer
from shared.http.hot import HotRouter
from shared.http.paging import Cursor, Found, Limit, Pages, cut, read_cursor
from shared.http.requests import AS_FLAG, AS_NUMBER, BoundedRequest, bounded, valid
from shared.identity import Caller, Who
from shared.objects.keys import cache_control
from shared.objects.urls import image_urls
from shared.results import DecidedBy
from shared.steady_clock import wall_of

NO_URLS: dict[str, Any] = dict.fromkeys(("image_url", "thumbnail_url", "screen_url"))
"""Of an image that has no file yet."""
FORM_OVERHEAD_BYTES = 200_000_000
"""What a form may hold beside one archive of the greatest size."""

_UPLOAD_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "images": {"type": "array", "items": {"type": "string", "format": "binary"}},
                        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                    },
                }
            },
            "application/json": {"schema": wire.ImageRequest.model_json_schema()},
        },
    }
}

WatchedTasks = Annotated[
    list[Annotated[str, Field(pattern="^[0-9a-f]{32}$")]], Query(default_factory=list, max_length=handlers.WATCHED)
]
_STATE = f"({'|'.join(STATES)})"
States = Annotated[str, Query(pattern=f"^({_STATE}(,{_STATE})*)?$", description="one of these, between commas")]
Beginning = Annotated[str, Query(max_length=200, description="what the name begins with, whatever the case: by name")]
Mine = Annotated[bool | None, Query(description="the caller's own tasks that have not ended"), AS_FLAG]
LastEventId = Annotated[str, Header(max_length=100, description="`id` of the last event of a stream that was cut")]


Group = Annotated[
    Literal["origin"] | None,
    Query(description="by the uploaded images, in the order of upload: `derived` has what was made of each"),
]


class JpegResponse(Response):
    media_type = "image/jpeg"


def router(resources: Resources) -> APIRouter:
    """Tasks and their results."""
    routes = APIRouter(prefix="/api", tags=["tasks"], route_class=bounded(), responses=problems.RESPONSES)
    pages = Pages()
    _add_tasks(routes, resources)
    _add_list(routes, resources, pages)
    _add_results(routes, resources, pages)
    _add_statistics(routes, resources)
    _add_streams(routes, resources)
    return routes


def upload_router(resources: Resources, uploads: Uploads) -> APIRouter:
    """Uploads: those whose bodies are parsed as they come, and those that go straight to the object store."""
    route_class = bounded(resources.archives.max_unpacked_bytes + FORM_OVERHEAD_BYTES, is_any_type=True)
    routes = APIRouter(prefix="/api", tags=["tasks"], route_class=route_class, responses=problems.RESPONSES)

    @routes.post("/tasks/{task_id}/images", response_model=wire.UploadReport, openapi_extra=_UPLOAD_BODY)
    @routes.post("/tasks/{task_id}/upload", response_model=wire.UploadReport, openapi_extra=_UPLOAD_BODY)
    async def upload(task_id: str, request: Request, who: Who) -> Response:
        await handlers.allow_on(resources, who, "make tasks", task_id)
        content_type = request.headers.get("content-type", "")
        media_type = content_type.partition(";")[0].strip().lower()
        holder = holder_of(request.scope)
        if media_type == "multipart/form-data":
            reports = await uploads.form(task_id, holder, request.stream(), content_type)
        elif media_type == "application/json":
            one = await _image_request(request, resources.checker.limits.max_bytes * 3 // 2 + 10_000)
            reports = await uploads.single(task_id, holder, str(one.id), one.image)
        else:
            raise UnsupportedType("send multipart/form-data, or application/json with one picture in base64")
        return await reported(resources, who, request, reports)

    routes.include_router(_direct_router(resources, uploads))
    return routes


def _direct_router(resources: Resources, uploads: Uploads) -> APIRouter:
    routes = APIRouter(route_class=bounded())

    @routes.post("/tasks/{task_id}/images/known", response_model=wire.KnownImages)
    async def known(task_id: str, asked: wire.KnownRequest, who: Who) -> Response:
        await handlers.allow_on(resources, who, "make tasks", task_id)
        found = await handlers.known_images(resources, task_id=task_id, sha256=asked.sha256)
        return json_answer({"known": [{"sha256": one, "image_id": image_id} for one, image_id in found.items()]})

    @routes.post("/tasks/{task_id}/uploads", status_code=201, response_model=wire.DirectUpload)
    async def begin(task_id: str, wanted: wire.DirectRequest, who: Who) -> Response:
        await handlers.allow_on(resources, who, "make tasks", task_id)
        filenames = [file.filename for file in wanted.files]
        async with resources.auditor.noting_quotas(who):
            begun = await uploads.begin(task_id, filenames)
        return json_answer(staging_shown(begun, filenames), 201)

    @routes.post("/tasks/{task_id}/uploads/{upload_id}/commit", response_model=wire.UploadReport)
    async def commit(task_id: str, upload_id: str, wanted: wire.CommitRequest, request: Request, who: Who) -> Response:
        await handlers.allow_on(resources, who, "make tasks", task_id)
        filenames = None if wanted.files is None else [file.filename for file in wanted.files]
        reports = await uploads.commit(task_id, holder_of(request.scope), upload_id, filenames)
        return await reported(resources, who, request, reports)

    return routes


def rendition_router(resources: Resources) -> HotRouter:
    """Renditions that were not stored with their image."""
    routes = HotRouter(prefix="/api", tags=["tasks"], route_class=bounded(), responses=problems.RESPONSES)

    @routes.hot("/renditions/{task_id}/{name}", methods=["GET"], response_class=JpegResponse)
    async def rendition(task_id: str, name: str, who: Who, request: Request) -> Response:
        await handlers.allow_pictures(resources, who, task_id)
        key = f"{task_id}/{name}"
        headers = {"Cache-Control": cache_control(key)}
        return JpegResponse(await resources.renditions.get(key, holder_of(request.scope)), 200, headers)

    return routes


async def _image_request(request: Request, max_bytes: int) -> wire.ImageRequest:
    bounded_request = cast("BoundedRequest", request)
    bounded_request.max_body_bytes = max_bytes
    return valid(wire.ImageRequest, await bounded_request.json() if await bounded_request.body() else None)


async def reported(resources: Resources, who: Who, request: Request, reports: list[Report]) -> Response:
    """The report, once the quotas that refused files were noted; where nothing was accepted or known, as a problem."""
    await noted(resources, who, reports)
    shown = upload_shown(reports)
    if shown["accepted"] or shown["duplicates"]:
        return json_answer(shown)
    return nothing_taken(request, reports, shown, "images")


async def noted(resources: Resources, who: Who, reports: list[Report]) -> None:
    """Note the quotas that refused files."""
    for quota in {report.quota for report in reports if report.quota is not None}:
        await resources.auditor.note_quota(who, quota)


def nothing_taken(request: Request, reports: list[Report], shown: dict[str, Any], field: str) -> Response:
    """A problem with every reason, and with what a report is shown as; `field` holds what became of each file."""
    statuses = {problems.status_of(report.refusal) if report.refusal else 422 for report in reports}
    fields = [
        {"pointer": f"/{field}/{position}", "detail": report.reason or ""}
        for position, report in enumerate(reports)
        if report.status == "rejected"
    ]
    detail = "none of the files could be taken" if reports else "the request holds no file"
    if len(fields) == 1:
        detail = fields[0]["detail"]
    quotas = {report.quota for report in reports if report.status == "rejected"}
    if len(quotas) == 1 and None not in quotas:
        shown["quota"], detail = quotas.pop(), fields[0]["detail"]
    return problems.problem(request, statuses.pop() if len(statuses) == 1 else 422, detail, fields=fields, **shown)


def _add_tasks(routes: APIRouter, resources: Resources) -> None:
    @routes.post("/tasks", status_code=201, response_model=wire.TaskShown)
    async def create(
        wanted: wire.TaskRequest,
        who: Who,
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
    ) -> Response:
        allow(who, "make tasks")
        created = await handlers.create_task(
            resources,
            who,
            key=idempotency_key,
            name=wanted.name,
            terms=wanted.terms(),
            body=wanted.identity(),
            pipeline=wanted.pipeline and wanted.pipeline.pipeline(),
        )
        return json_answer(task_shown(*created), 201)

    @routes.get("/tasks/{task_id}", response_model=wire.TaskShown, responses=arrivals.DESCRIBED)
    async def task(task_id: str, who: Who) -> Response:
        await handlers.allow_on(resources, who, "read tasks", task_id)
        headers = await _recorded(resources, task_id)
        return json_answer(task_shown(*await resources.store.find(task_id)), headers=headers)

    @routes.patch("/tasks/{task_id}", response_model=wire.TaskShown, responses=arrivals.DESCRIBED)
    async def edit(task_id: str, wanted: wire.TaskChange, who: Who) -> Response:
        await handlers.allow_on(resources, who, "make tasks", task_id)
        return _told(*await handlers.edit(resources, who, task_id=task_id, change=wanted.change()))

    @routes.post("/tasks/{task_id}/reopen", response_model=wire.TaskShown, responses=arrivals.DESCRIBED)
    async def reopen(task_id: str, who: Who) -> Response:
        await handlers.allow_on(resources, who, "make tasks", task_id)
        return _told(*await handlers.reopen(resources, who, task_id=task_id))

    @routes.post("/tasks/{task_id}/finish", response_model=wire.TaskShown, responses=arrivals.DESCRIBED)
    async def finish(task_id: str, order: wire.FinishOrder, who: Who) -> Response:
        await handlers.allow_on(resources, who, "make tasks", task_id)
        return _told(*await handlers.finish(resources, who, task_id=task_id, reason=order.reason))

    @routes.delete("/tasks/{task_id}/images/{image_id}", status_code=204)
    async def remove_image(task_id: str, image_id: str, who: Who) -> Response:
        await handlers.allow_on(resources, who, "make tasks", task_id)
        await handlers.remove_image(resources, who, task_id=task_id, image_id=image_id)
        return Response(status_code=204)

    @routes.post("/tasks/{task_id}/seal", response_model=wire.TaskShown)
    async def seal(task_id: str, who: Who) -> Response:
        await handlers.allow_on(resources, who, "make tasks", task_id)
        return json_answer(task_shown(*await handlers.seal(resources, who, task_id=task_id)))

    @routes.delete("/tasks/{task_id}", status_code=204)
    async def cancel(task_id: str, who: Who) -> Response:
        await handlers.allow_on(resources, who, "make tasks", task_id)
        await handlers.cancel(resources, who, task_id=task_id)
        return Response(status_code=204)


def _add_list(routes: APIRouter, resources: Resources, pages: Pages) -> None:
    @routes.get("/tasks", response_model=wire.Tasks, responses=arrivals.DESCRIBED)
    async def tasks(
        who: Who,
        state: States = "",
        owner: Literal["me"] | None = None,
        q: Beginning = "",
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> Response:
        allow(who, "read tasks")
        listing = Listing(
            team=who.team, states=states_in(state), owner=who.id if owner else None, beginning=beginning_of(q)
        )
        told: list[UpToDate] = []

        async def find(after: str, limit: int) -> Found[handlers.Listed]:
            found, up_to_date = await handlers.tasks(
                resources, listing, after=after, limit=limit + 1, is_awaited=not told
            )
            told.append(up_to_date)
            return cut(found, limit, lambda listed: listed[2])

        answer = await pages.answer(
            find,
            lambda listed: task_shown(*listed[:2]),
            after=read_cursor(cursor, listings.KEYS[listing.order]),
            limit=limit,
        )
        answer.headers[arrivals.HEADER] = arrivals.least(told)
        return answer


def _told(task: Task, counts: Counts, up_to_date: UpToDate) -> Response:
    return json_answer(task_shown(task, counts), headers={arrivals.HEADER: up_to_date})


async def _recorded(resources: Resources, task_id: str) -> dict[str, str]:
    """Wait for results that are on their way; returns the header that says whether they came. Raises NotFound."""
    return {arrivals.HEADER: await handlers.recorded(resources, task_id=task_id)}


_Label = Annotated[str | None, Query(max_length=200)]
_Share = Annotated[float | None, Query(ge=0, le=1), AS_NUMBER]


def _wanted(
    state: ShownState | None = None,
    label: _Label = None,
    decided_by: DecidedBy | None = None,
    suggested: Annotated[str | None, Query(max_length=200, description="label of the pre-label")] = None,
    against_detector: Annotated[
        bool | None, Query(description="whether people gave another label than the detector proposed"), AS_FLAG
    ] = None,
    agreement_from: _Share = None,
    agreement_below: _Share = None,
    filename: Annotated[str | None, Query(max_length=200, description="what the file name begins with")] = None,
    include: Annotated[
        Literal["parents"] | None, Query(description="uploaded images, too, of which a pipeline made others")
    ] = None,
) -> Wanted:
    return Wanted(
        has_parents=include is not None,
        state=state,
        label=label,
        decided_by=decided_by,
        suggested=suggested,
        against_detector=against_detector,
        agreement_from=agreement_from,
        agreement_below=agreement_below,
        filename=filename,
    )


def _add_results(routes: APIRouter, resources: Resources, pages: Pages) -> None:
    @routes.get("/tasks/{task_id}/images", response_model=wire.Results, responses=arrivals.DESCRIBED)
    @routes.get("/tasks/{task_id}/results", response_model=wire.Results, responses=arrivals.DESCRIBED)
    async def results(
        task_id: str,
        who: Who,
        wanted: Annotated[Wanted, Depends(_wanted)],
        order: By = "id",
        group: Group = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> Response:
        await handlers.allow_on(resources, who, "read tasks", task_id)
        if group is not None:
            return await _grouped(resources, pages, task_id, cursor, limit)
        _, up_to_date = await handlers.recorded_results(resources, task_id=task_id)
        now = wall_of(resources.clock)()
        return await pages.answer(
            lambda after, limit: look_through(resources.store, task_id, wanted, by=order, after=after, limit=limit),
            lambda image: _shown_at(resources, image, now),
            after=read_cursor(cursor, KEYS[order]),
            limit=limit,
            headers={arrivals.HEADER: up_to_date},
        )

    @routes.get("/tasks/{task_id}/images/{image_id}", response_model=wire.ImageResult, responses=arrivals.DESCRIBED)
    async def one_image(task_id: str, image_id: str, who: Who) -> Response:
        await handlers.allow_on(resources, who, "read tasks", task_id)
        _, up_to_date = await handlers.recorded_results(resources, task_id=task_id)
        image = await resources.store.image(task_id, image_id)
        shown = _shown_at(resources, image, wall_of(resources.clock)())
        return json_answer(shown, headers={arrivals.HEADER: up_to_date})


async def _grouped(resources: Resources, pages: Pages, task_id: str, cursor: str | None, limit: int) -> Response:
    _, up_to_date = await handlers.recorded_results(resources, task_id=task_id)
    now = wall_of(resources.clock)()

    def shown(group: origins.Group) -> dict[str, Any]:
        derived = [_shown_at(resources, one, now) for one in group.derived]
        return _shown_at(resources, group.uploaded, now) | {"derived": derived}

    return await pages.answer(
        lambda after, limit: origins.groups(resources.store, task_id, after=after, limit=limit),
        shown,
        after=read_cursor(cursor, KEYS["upload"]),
        limit=limit,
        headers={arrivals.HEADER: up_to_date},
    )


def _shown_at(resources: Resources, image: Image, now: float) -> dict[str, Any]:
    """An image with its URLs, as they are from now on."""
    if not image.object_key:
        return image_shown(image) | NO_URLS
    urls = image_urls(resources.objects, image.object_key, width=image.width, height=image.height, now=now)
    return image_shown(image) | urls


def _add_statistics(routes: APIRouter, resources: Resources) -> None:
    @routes.get(
        "/tasks/{task_id}/statistics",
        response_model=StatisticsShown,
        responses={202: {"description": "they are being computed: come back after `Retry-After` seconds"}},
    )
    async def statistics(task_id: str, who: Who) -> Response:
        await handlers.allow_on(resources, who, "read tasks", task_id)
        domain.refuse_erased(await resources.store.task(task_id))
        known = await resources.statistician.statistics(task_id)
        if known is None:
            return Response(status_code=202, headers={"Retry-After": "1"})
        return json_answer(known["shown"])


def _add_streams(routes: APIRouter, resources: Resources) -> None:
    def stream(who: Caller, task_ids: Iterable[str], seen: str) -> StreamingResponse:
        told = resources.progress.watch(who.team, task_ids, seen=seen)
        return StreamingResponse(told, 200, {"Cache-Control": "no-store"}, "text/event-stream")

    @routes.get("/tasks/{task_id}/events", response_class=StreamingResponse)
    async def events(task_id: str, who: Who, last_event_id: LastEventId = "") -> StreamingResponse:
        await handlers.allow_on(resources, who, "read tasks", task_id)
        domain.refuse_erased(await resources.store.task(task_id))
        return stream(who, [task_id], last_event_id)

    @routes.get("/events", response_class=StreamingResponse)
    async def events_of_several(
        who: Who, task: WatchedTasks, mine: Mine = None, last_event_id: LastEventId = ""
    ) -> StreamingResponse:
        allow(who, "read tasks")
        if bool(task) is bool(mine):
            raise Invalid("name tasks, or say mine=true", pointer="task")
        return stream(who, await handlers.unfinished_of(resources, who) if mine else task, last_event_id)
