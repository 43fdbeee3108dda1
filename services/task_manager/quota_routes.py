"""HTTP in and out of the task manager's quotas."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response

from services.task_manager import team_quotas, wire
from services.task_manager.handlers import Resources
from services.task_manager.team_quotas import TeamQuotas
from shared.access import allow_operating
from shared.http import problems
from shared.http.answers import json_answer
from shared.http.paging import Cursor, Found, Limit, Pages, cut, read_cursor
from shared.http.requests import bounded
from shared.identity import Who
from shared.quotas import TEAM_ID, Team


def router(resources: Resources) -> APIRouter:
    """What teams may have, for those who run the platform."""
    routes = APIRouter(prefix="/api", tags=["administration"], route_class=bounded(), responses=problems.RESPONSES)
    pages = Pages()
    store, quotas = resources.store, resources.quotas

    @routes.get("/admin/quotas", response_model=wire.TeamQuotasPage)
    async def of_each(who: Who, cursor: Cursor = None, limit: Limit = 100) -> Response:
        allow_operating(who)

        async def find(after: str, count: int) -> Found[TeamQuotas]:
            found = await team_quotas.of_each(store, quotas, after=after, limit=count + 1)
            return cut(found, count, lambda one: one.team)

        return await pages.answer(find, _shown, after=read_cursor(cursor, TEAM_ID), limit=limit)

    @routes.put("/admin/quotas/{team}", response_model=wire.TeamQuotasShown)
    async def put(team: Team, wanted: wire.QuotasRequest, who: Who) -> Response:
        allow_operating(who)
        noted = resources.auditor.entries(who, "quotas.change", team)
        await quotas.put(team, wanted.model_dump(exclude_none=True), noted)
        resources.auditor.tell(who, "quotas.change", of_team=team)
        return json_answer(_shown(await team_quotas.of(store, quotas, team)))

    return routes


def _shown(one: TeamQuotas) -> Mapping[str, Any]:
    own = dict.fromkeys(wire.QuotasRequest.model_fields) | dict(one.own)
    return {"team": one.team, "own": own, "limits": one.allowed, "usage": one.usage}
