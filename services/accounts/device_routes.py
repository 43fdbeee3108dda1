"""HTTP in and out for programs that ask for a key, and for the people who answer them."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from services.accounts import device_logins, shapes, wire
from services.accounts.handlers import Resources
from shared.http import problems
from shared.http.answers import json_answer
from shared.http.requests import bounded
from shared.identity import Who

NOT_KEPT = {"Cache-Control": "no-store"}
Code = Annotated[str, Query(min_length=1, max_length=32, description="the code that the program shows")]


def router(resources: Resources) -> APIRouter:
    """A program asks and collects without being known to anybody; who answers it is signed in."""
    routes = APIRouter(prefix="/api", tags=["sessions"], route_class=bounded(), responses=problems.RESPONSES)

    @routes.post("/device", status_code=201, response_model=wire.DeviceBegun)
    async def ask(wanted: wire.DeviceAsked, request: Request) -> Response:
        made, token = await device_logins.ask(
            resources, client=wanted.client, roles=wanted.roles, address=_address(request)
        )
        return json_answer(shapes.device_begun(made, token), 201, NOT_KEPT)

    @routes.post("/device/key", response_model=wire.DeviceOutcome)
    async def collect(wanted: wire.DeviceCollect, request: Request) -> Response:
        found = await device_logins.collect(resources, wanted.device_code, _address(request))
        return json_answer(shapes.device_outcome(found), headers=NOT_KEPT)

    @routes.get("/device", response_model=wire.DeviceShown)
    async def look(who: Who, code: Code) -> Response:
        return json_answer(shapes.device_shown(await device_logins.look(resources, who, code)), headers=NOT_KEPT)

    @routes.post("/device/answer", response_model=wire.DeviceShown)
    async def answer(wanted: wire.DeviceAnswer, request: Request, who: Who) -> Response:
        found = await device_logins.answer(
            resources,
            who,
            wanted.code,
            is_approved=wanted.approve,
            roles=wanted.roles,
            address=_address(request),
        )
        return json_answer(shapes.device_shown(found), headers=NOT_KEPT)

    return routes


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
