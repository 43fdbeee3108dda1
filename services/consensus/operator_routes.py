"""HTTP in and out of the consensus service: how a team's operators vote."""

from fastapi import APIRouter, Response

from services.consensus import handlers, listing, shapes, wire
from services.consensus.estimating import OPERATORS, SUMMARY
from services.consensus.handlers import Resources
from services.consensus.run import KEPT_OF_TASK, Run
from shared.access import allow
from shared.clock import iso
from shared.http import problems
from shared.http.answers import json_answer
from shared.http.paging import Cursor, Limit, cursor_of, read_cursor
from shared.http.requests import bounded
from shared.identity import Who


def router(resources: Resources) -> APIRouter:
    """What admins look at of the operators of the team that they work in."""
    routes = APIRouter(prefix="/api/admin", tags=["admin"], route_class=bounded(), responses=problems.RESPONSES)

    @routes.post("/operators", status_code=202, response_model=wire.CountingShown)
    async def count(who: Who) -> Response:
        """Count the operators' votes anew."""
        allow(who, "administer")
        run = await handlers.ask_operators(resources, who)
        return json_answer({"state": run.state, "asked_at": iso(run.asked_at)}, 202)

    @routes.get("/operators", response_model=wire.OperatorsShown)
    async def operators(who: Who, cursor: Cursor = None, limit: Limit = 100) -> Response:
        """As they were counted last; `POST` counts anew."""
        allow(who, "administer")
        found = await resources.store.runs(who.team, "operators", task_id="", limit=KEPT_OF_TASK)
        finished = next((run for run in found if run.state == "finished"), None)
        head = {"state": found[0].state if found else None, "why": found[0].why if found else None}
        return json_answer(head | await _counted(resources, finished, cursor, limit))

    return routes


async def _counted(resources: Resources, run: Run | None, cursor: str | None, limit: int) -> dict[str, object]:
    after = read_cursor(cursor, listing.PLACE)
    if run is None or run.outcome is None:
        return {"as_of": None, "images": 0, "votes": 0, "pairs": [], "items": [], "next_cursor": None}
    summary = await handlers.page_of(resources, run, SUMMARY, 0)
    items, after = await listing.items(resources, run, OPERATORS, after=after, limit=limit, wanted=lambda _: True)
    return {
        "as_of": iso(run.ended_at or run.asked_at),
        "images": run.outcome.images,
        "votes": run.outcome.votes,
        "pairs": [] if summary is None else summary["pairs"],
        "items": [shapes.operator_shown(one) for one in items],
        "next_cursor": cursor_of(after) if after else None,
    }
