"""What every deployable has around its routes: hosts and request ids, problems, health, and a patient start."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.errors import Unavailable
from shared.http import problems
from shared.http.answers import json_answer
from shared.http.bodies import Bodies
from shared.http.edge import Edge
from shared.http.hot import HotRoutes
from shared.http.requests import bounded
from shared.http.serving import ServerSettings, UnsafeSettings
from shared.identity.authenticator import Authenticator, Trusting
from shared.telemetry import Telemetry
from shared.telemetry.metrics import Metrics
from shared.telemetry.watch import Watch

log = logging.getLogger(__name__)

VERSION = "0.1.0"
START_S = 60.0
"""How long servers that come up together are waited for."""

Check = Callable[[], Awaitable[bool]]


class Application(FastAPI):
    """FastAPI behind the edge and the hot routes, where most requests end: its machinery costs more than their work."""

    front: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.front(scope, receive, send)

    async def framework(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What FastAPI does with a request."""
        await super().__call__(scope, receive, send)


def application(
    title: str,
    settings: ServerSettings,
    *,
    routers: Sequence[APIRouter],
    running: Callable[[], AbstractAsyncContextManager[None]],
    telemetry: Telemetry,
    authenticator: Authenticator | None = None,
    watch: Watch | None = None,
    needs: Mapping[str, Check] | None = None,
    uses: Mapping[str, Check] | None = None,
) -> Application:
    """An ASGI app that serves while `running`.

    authenticator: knows the callers; without one they are who they say they are.
    watch: looks at what waits; none where nothing does.
    needs: say by name whether that answers without which no request can be served; uses: the same of what some work
    waits for, while other requests go on.

    Raises UnsafeSettings where callers are to be known, and nothing knows them.
    """
    if settings.auth == "on" and authenticator is None:
        raise UnsafeSettings(f"{title}: QUORATE_AUTH=on needs what knows callers, which this has not")

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        async with running():
            yield
        await telemetry.tracing.close()

    app = Application(
        title=title,
        version=VERSION,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # the edge has its own
    )
    bodies = Bodies(settings.max_bodies_bytes)
    telemetry.metrics.bodies_held.set_function(lambda: bodies.held_bytes)
    app.front = Edge(
        HotRoutes(app.framework, routers=routers),
        allowed_hosts=settings.hosts,
        allowed_origins=settings.origins,
        bodies=bodies,
        authenticator=authenticator or Trusting(),
        telemetry=telemetry,
    )
    problems.install(app)
    for router in (*routers, _health(needs or {}, uses or {}), _metrics(telemetry.metrics, watch)):
        app.router.routes += router.routes  # include_router would build each route again, with the first request
    return app


async def open_when_up(opening: Callable[[], Awaitable[None]]) -> None:
    """Open something that may come up a little later than we do. Raises Unavailable if it does not."""
    until = time.monotonic() + START_S
    pause_s = 0.2
    while True:
        try:
            return await opening()
        except Unavailable as error:
            if time.monotonic() > until:
                raise
            log.warning("not ready to start: %s", error.detail)
        await asyncio.sleep(pause_s)
        pause_s = min(3.0, 1.5 * pause_s)


def _metrics(metrics: Metrics, watch: Watch | None) -> APIRouter:
    """What Prometheus comes for."""
    routes = APIRouter(tags=["health"], route_class=bounded())

    @routes.get("/metrics", response_class=PlainTextResponse)
    async def shown() -> Response:
        if watch is not None:
            await watch.measure()
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return routes


def _health(needs: Mapping[str, Check], uses: Mapping[str, Check]) -> APIRouter:
    """Whether the process lives, and whether it can serve. It lives only once everything was opened.

    What it only uses is named where it does not answer, and keeps no requests away: without the broker uploads and
    votes are taken all the same, and their events wait.
    """
    routes = APIRouter(tags=["health"], route_class=bounded())

    @routes.get("/healthz")
    async def lives() -> Response:
        return json_answer({"status": "ok"})

    @routes.get("/readyz")
    async def is_ready() -> Response:
        lacking, without = await asyncio.gather(_silent(needs), _silent(uses))
        if lacking:
            return json_answer({"status": "waiting", "for": [*lacking, *without]}, 503)
        return json_answer({"status": "ok", "without": without} if without else {"status": "ok"})

    return routes


async def _silent(checks: Mapping[str, Check]) -> list[str]:
    answers = await asyncio.gather(*(check() for check in checks.values()))
    return [name for name, answer in zip(checks, answers, strict=True) if not answer]
