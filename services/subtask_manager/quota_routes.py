"""HTTP in and out of the subtask manager's quotas."""

from typing import Any

from fastapi import APIRouter, Response

from services.subtask_manager import wire
from services.subtask_manager.handlers import Resources
from shared.access import allow_operating
from shared.http import problems
from shared.http.answers import json_answer
from shared.http.paging import Cursor, Limit, cursor_of, cut, read_cursor
from shared.http.requests import bounded
from shared.identity import Who
from shared.quotas import TEAM_ID, Set, Team


def router(resources: Resources) -> APIRouter:
    """How many live leases operators may hold, for those who run the platform."""
    routes = APIRouter(prefix="/api", tags=["administration"], route_class=bounded(), responses=problems.RESPONSES)
    quotas = resources.quotas

    def shown(team: str, own: Set) -> dict[str, Any]:
        return {
            "team": team,
            "own": dict.fromkeys(wire.LeaseQuotas.model_fields) | dict(own),
            "limits": quotas.in_force(own),
        }

    @routes.get("/leases/quotas", response_model=wire.LeaseQuotasPage)
    async def of_each(who: Who, cursor: Cursor = None, limit: Limit = 100) -> Response:
        allow_operating(who)
        found = await quotas.store.teams(after=read_cursor(cursor, TEAM_ID), limit=limit + 1)
        teams, after = cut(found, limit, str)
        return json_answer(
            {
                "defaults": quotas.in_force({}),
                "items": [shown(team, await quotas.store.of(team)) for team in teams],
                "next_cursor": cursor_of(after) if after else None,
            }
        )

    @routes.put("/leases/quotas/{team}", response_model=wire.LeaseQuotasShown)
    async def put(team: Team, wanted: wire.LeaseQuotasRequest, who: Who) -> Response:
        allow_operating(who)
        own = wanted.model_dump(exclude_none=True)
        await quotas.put(team, own, resources.auditor.entries(who, "quotas.change", team))
        resources.auditor.tell(who, "quotas.change", of_team=team)
        return json_answer(shown(team, own))

    return routes
