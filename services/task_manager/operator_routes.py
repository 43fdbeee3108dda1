"""HTTP in and out of who may label a task."""

from fastapi import APIRouter, Response

from services.task_manager import handlers, wire
from services.task_manager.handlers import Resources
from services.task_manager.shapes import task_shown
from shared import arrivals
from shared.http import problems
from shared.http.answers import json_answer
from shared.http.requests import bounded
from shared.identity import Who


def router(resources: Resources) -> APIRouter:
    """Clients invite operators to their team's tasks, and so do its admins."""
    routes = APIRouter(prefix="/api", tags=["tasks"], route_class=bounded(), responses=problems.RESPONSES)

    @routes.patch("/tasks/{task_id}/operators", response_model=wire.TaskShown, responses=arrivals.DESCRIBED)
    async def invite(task_id: str, wanted: wire.InvitedChange, who: Who) -> Response:
        await handlers.allow_on(resources, who, "invite operators", task_id)
        task, counts, up_to_date = await handlers.invite(resources, who, task_id=task_id, invited=wanted.invited())
        return json_answer(task_shown(task, counts), headers={arrivals.HEADER: up_to_date})

    return routes
