"""HTTP in and out of erasing people."""

from fastapi import APIRouter, Request, Response

from services.accounts import erasing, shapes, signing_in, wire
from services.accounts.handlers import Resources, doer
from services.accounts.routes import address_of, forget_cookies
from shared.access import allow_operating
from shared.http import problems
from shared.http.answers import json_answer
from shared.http.requests import bounded
from shared.identity import Who


def router(resources: Resources) -> APIRouter:
    """Whoever runs the platform erases others, and everybody themselves."""
    routes = APIRouter(prefix="/api", tags=["erasures"], route_class=bounded(), responses=problems.RESPONSES)

    @routes.post("/admin/erasures", status_code=202, response_model=wire.ErasureShown)
    async def erase(wanted: wire.ErasureRequest, request: Request, who: Who) -> Response:
        allow_operating(who)
        erased = await erasing.erase(resources, doer(who, address_of(request)), wanted.person)
        return json_answer(shapes.erasure_shown(erased), 202)

    @routes.get("/admin/erasures", response_model=wire.ErasuresShown)
    async def erasures(who: Who) -> Response:
        allow_operating(who)
        return json_answer({"items": [shapes.erasure_shown(one) for one in await erasing.erasures(resources)]})

    @routes.post("/me/erase", status_code=202, response_model=wire.ErasureShown)
    async def erase_me(wanted: wire.OwnErasure, request: Request, who: Who) -> Response:
        address = address_of(request)
        await signing_in.prove(resources, who, wanted.password, address)
        erased = await erasing.erase(resources, doer(who, address), who.id)
        answer = json_answer(shapes.erasure_shown(erased), 202)
        forget_cookies(answer)
        return answer

    return routes
