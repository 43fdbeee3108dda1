"""HTTP in and out of the consensus service: the runs of tasks."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from services.consensus import handlers, listing, shapes, wire
from services.consensus.estimating import DIFFERING, RESULTS, SUMMARY, VOTERS
from services.consensus.export import MEDIA_TYPES, file
from services.consensus.handlers import Resources
from services.consensus.run import KEPT_OF_TASK, Run
from shared.access import allow
from shared.http import problems
from shared.http.answers import json_answer
from shared.http.paging import Cursor, Limit, Pages, read_cursor
from shared.http.requests import bounded
from shared.identity import Who


def router(resources: Resources) -> APIRouter:
    """Estimates of a task's true labels beside its record, for those who may see its votes."""
    routes = APIRouter(prefix="/api", tags=["consensus"], route_class=bounded(), responses=problems.RESPONSES)
    _add_runs(routes, resources)
    _add_results(routes, resources)
    return routes


def _add_runs(routes: APIRouter, resources: Resources) -> None:
    @routes.post("/consensus", status_code=202, response_model=wire.RunShown)
    async def ask(wanted: wire.RunRequest, who: Who) -> Response:
        allow(who, "estimate")
        run = await handlers.ask(resources, who, task_id=wanted.task_id, methods=wanted.methods)
        return json_answer(shapes.run_shown(run), 202)

    @routes.get("/consensus", response_model=wire.RunsShown)
    async def runs(task_id: wire.TaskId, who: Who) -> Response:
        allow(who, "estimate")
        await handlers.find_task(resources, who.team, task_id)
        found = await resources.store.runs(who.team, "task", task_id=task_id, limit=KEPT_OF_TASK)
        return json_answer({"items": [shapes.run_shown(run) for run in found]})

    @routes.get("/consensus/{run_id}", response_model=wire.RunWithSummary)
    async def run(run_id: str, who: Who) -> Response:
        allow(who, "estimate")
        found = await handlers.find(resources, who.team, run_id)
        pages = await handlers.page_of(resources, found, SUMMARY, 0) if found.state == "finished" else None
        return json_answer(shapes.run_shown(found) | {"summary": pages})

    @routes.post("/consensus/{run_id}/dispute", status_code=202, response_model=wire.RunShown)
    async def dispute(run_id: str, wanted: wire.DisputeRequest, who: Who) -> Response:
        allow(who, "estimate")
        run = await handlers.send(resources, who, run_id=run_id, method=wanted.method)
        return json_answer(shapes.run_shown(run), 202)


def _add_results(routes: APIRouter, resources: Resources) -> None:
    pages = Pages()

    async def answer(run: Run, kind: str, cursor: str | None, limit: int, method: str | None = None) -> Response:
        def wanted(item: Any) -> bool:
            return method is None or method in item["differs"]

        return await pages.answer(
            lambda after, count: listing.items(resources, run, kind, after=after, limit=count, wanted=wanted),
            lambda item: item,
            after=read_cursor(cursor, listing.PLACE),
            limit=limit,
        )

    @routes.get("/consensus/{run_id}/results", response_model=wire.ConsensusResults)
    async def results(
        run_id: str,
        who: Who,
        differs: Annotated[wire.Method | None, Query(description="only where this method differs")] = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> Response:
        allow(who, "estimate")
        found = await handlers.find_finished(resources, who.team, run_id)
        return await answer(found, RESULTS if differs is None else DIFFERING, cursor, limit, differs)

    @routes.get("/consensus/{run_id}/voters", response_model=wire.VotersShown)
    async def voters(run_id: str, who: Who, cursor: Cursor = None, limit: Limit = 100) -> Response:
        allow(who, "estimate")
        found = await handlers.find_finished(resources, who.team, run_id)
        return await answer(found, VOTERS, cursor, limit)

    @routes.get("/consensus/{run_id}/export", response_class=StreamingResponse)
    async def export(
        run_id: str, who: Who, form: Annotated[wire.Format, Query(alias="format")] = "jsonl"
    ) -> StreamingResponse:
        allow(who, "estimate")
        run = await handlers.find_finished(resources, who.team, run_id)
        headers = {"Content-Disposition": f'attachment; filename="{run.task_id}-consensus.{form}"'}
        return StreamingResponse(file(resources, run, form), 200, headers, MEDIA_TYPES[form])
