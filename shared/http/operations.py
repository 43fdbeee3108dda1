"""What those who run the platform ask: whether it lives, whether it can serve, and what Prometheus comes for.

`/healthz` says nothing that strangers must not know. The others name servers and count work, so they are on a port of
their own where one is set; else, where callers have to be known, only this machine is answered.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from ipaddress import ip_address

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from shared.http.answers import json_answer
from shared.http.requests import bounded
from shared.identity import NAMED
from shared.telemetry.metrics import Metrics
from shared.telemetry.watch import Watch

FORWARDED = (b"x-forwarded-for", b"x-real-ip", b"forwarded", b"via")
"""By these a request tells that a proxy on this machine passed it on, for whomever."""

Check = Callable[[], Awaitable[bool]]


def health_router() -> APIRouter:
    """Whether the process lives: it does once everything was opened."""
    routes = APIRouter(tags=["health"], route_class=bounded())

    @routes.get("/healthz")
    async def lives() -> Response:
        return json_answer({"status": "ok"})

    return routes


def operations_router(
    metrics: Metrics,
    watch: Watch | None,
    *,
    needs: Mapping[str, Check],
    uses: Mapping[str, Check],
    is_for_this_machine: bool,
) -> APIRouter:
    """Whether the process can serve, and its metrics.

    What it only uses is named where it does not answer, and keeps no requests away: without the broker uploads and
    votes are taken all the same, and their events wait.
    """
    routes = APIRouter(tags=["health"], route_class=bounded())

    @routes.get("/readyz")
    async def is_ready(request: Request) -> Response:
        _refuse_strangers(request, is_for_this_machine=is_for_this_machine)
        are_up = await _asked({**needs, **uses})
        lacking, without = ([name for name in names if not are_up[name]] for names in (needs, uses))
        if lacking:
            return json_answer({"status": "waiting", "for": [*lacking, *without]}, 503)
        return json_answer({"status": "ok", "without": without} if without else {"status": "ok"})

    @routes.get("/metrics", response_class=PlainTextResponse)
    async def shown(request: Request) -> Response:
        _refuse_strangers(request, is_for_this_machine=is_for_this_machine)
        if watch is not None:
            await watch.measure()
        metrics.dependencies(await _asked({**needs, **uses}))
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return routes


def _refuse_strangers(request: Request, *, is_for_this_machine: bool) -> None:
    """Answers others as if there were no such path."""
    if is_for_this_machine and not _is_from_here(request):
        raise HTTPException(HTTPStatus.NOT_FOUND)


def _is_from_here(request: Request) -> bool:
    if request.client is None or any(name in request.scope[NAMED] for name in FORWARDED):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


async def _asked(checks: Mapping[str, Check]) -> dict[str, bool]:
    answers = await asyncio.gather(*(check() for check in checks.values()))
    return dict(zip(checks, answers, strict=True))
