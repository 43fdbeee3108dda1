"""HTTP in and out of signing in with a provider."""

from fastapi import APIRouter, Request, Response

from services.accounts import wire
from services.accounts.handlers import Resources
from services.accounts.oidc import attempt, signing_in
from services.accounts.oidc.attempt import Answer
from services.accounts.routes import NOT_KEPT, address_of, set_cookie, signed_in_answer
from shared.http import problems
from shared.http.answers import json_answer
from shared.http.requests import bounded
from shared.identity import NAMED
from shared.identity.authenticator import cookie_of, refuse_unless_page

ATTEMPT_COOKIE = "__Host-quorate-oidc"


def router(resources: Resources) -> APIRouter:
    """Leaving for the provider, and coming back. Both are asked by the page, so that another site can do neither."""
    routes = APIRouter(prefix="/api", tags=["sessions"], route_class=bounded(), responses=problems.RESPONSES)

    @routes.post("/sessions/oidc", response_model=wire.ProviderAddress)
    async def leave(request: Request) -> Response:
        refuse_unless_page(request.scope[NAMED])
        made = signing_in.new_attempt()
        url = await signing_in.provider_of(resources).address(made)
        answer = json_answer({"url": url}, headers=NOT_KEPT)
        set_cookie(answer, ATTEMPT_COOKIE, attempt.cookie_of(made), attempt.LIFETIME_S)
        return answer

    @routes.post("/sessions/oidc/return", response_model=wire.SessionShown)
    async def come_back(wanted: wire.ProviderAnswer, request: Request) -> Response:
        refuse_unless_page(request.scope[NAMED])
        signed_in = await signing_in.come_back(
            resources,
            Answer(code=wanted.code, state=wanted.state, issuer=wanted.iss),
            cookie=cookie_of(request.scope[NAMED], ATTEMPT_COOKIE),
            address=address_of(request),
        )
        answer = await signed_in_answer(resources, signed_in)
        set_cookie(answer, ATTEMPT_COOKIE, "", 0)
        return answer

    return routes
