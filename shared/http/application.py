"""What every deployable has around its routes: hosts and request ids, problems, operations, and a patient start."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.errors import Unavailable
from shared.http import problems
from shared.http.bodies import Bodies
from shared.http.edge import Edge
from shared.http.hot import HotRoutes
from shared.http.operations import Check, health_router, operations_router
from shared.http.rates import RateLimits, Rates
from shared.http.serving import ServerSettings, UnsafeSettings
from shared.identity.authenticator import Authenticator, Trusting
from shared.telemetry import Telemetry
from shared.telemetry.watch import Watch
from shared.version import VERSION

log = logging.getLogger(__name__)

START_S = 60.0
"""How long servers that come up together are waited for."""


class Application(FastAPI):
    """FastAPI behind the edge and the hot routes, where most requests end: its machinery costs more than their work."""

    front: ASGIApp
    operations: "Application | None" = None
    """What is served on a port of its own, where there is one."""

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

    operations = operations_router(
        telemetry.metrics,
        watch,
        needs=needs or {},
        uses=uses or {},
        is_for_this_machine=settings.auth == "on" and settings.operations_port is None,
    )
    has_own_port = settings.operations_port is not None
    app = _app(
        title,
        [*routers, health_router(), *([] if has_own_port else [operations])],
        settings,
        hosts=settings.hosts,
        authenticator=authenticator or Trusting(),
        telemetry=telemetry,
        lifespan=lifespan,
    )
    if has_own_port:
        app.operations = _app(
            f"{title}: operations",
            [health_router(), operations],
            settings,
            hosts=settings.hosts if settings.is_local else frozenset({"*"}),  # it is asked by its address
            authenticator=Trusting(),
            telemetry=telemetry,
        )
    return app


def _app(
    title: str,
    routers: Sequence[APIRouter],
    settings: ServerSettings,
    *,
    hosts: frozenset[str],
    authenticator: Authenticator,
    telemetry: Telemetry,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
) -> Application:
    """Routes behind the edge."""
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
    if lifespan is not None:
        telemetry.metrics.bodies_held.set_function(lambda: bodies.held_bytes)
    app.front = Edge(
        HotRoutes(app.framework, routers=routers),
        allowed_hosts=hosts,
        allowed_origins=settings.origins,
        bodies=bodies,
        authenticator=authenticator,
        telemetry=telemetry,
        rates=RateLimits(settings.rates) if settings.rates != Rates() else None,
    )
    problems.install(app)
    for router in routers:
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
