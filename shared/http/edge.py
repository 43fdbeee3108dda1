"""The outermost layer of a service: a request id for every request, hosts checked, the way to the caller, defects
answered, requests logged without secrets."""

import logging
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http import addresses
from shared.http.bodies import Bodies
from shared.http.connections import REFUSAL, Refusal
from shared.http.origins import CHANGING, FOREIGN, is_foreign
from shared.http.problems import problem, unexpected
from shared.identity import NAMED
from shared.identity.authenticator import Authenticator
from shared.telemetry import Telemetry, trace

log = logging.getLogger(__name__)

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")
HOSTS_CACHED = 64
RETRY_AFTER_S = "2"


class Edge:
    """ASGI middleware.

    allowed_hosts: host names that requests may be addressed to; `*` allows any.
    allowed_origins: whose pages may change things, beside the requests' own host.
    bodies: counts those that requests hold.
    authenticator: knows callers; a route asks it for the one that it serves.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        allowed_hosts: Iterable[str],
        allowed_origins: Iterable[str],
        bodies: Bodies,
        authenticator: Authenticator,
        telemetry: Telemetry,
    ) -> None:
        self._app = app
        self._allowed_hosts = frozenset(allowed_hosts)
        self._allowed_origins = frozenset(allowed_origins)
        self._bodies = bodies
        self._authenticator = authenticator
        self._metrics = telemetry.metrics
        self._tracing = telemetry.tracing
        self._is_ours = lru_cache(HOSTS_CACHED)(self._is_allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
        named = dict(reversed(headers))  # of one that is given twice, the first counts
        sent_id, traceparent = named.get(b"x-request-id"), named.get(b"traceparent")
        request_id = sent_id.decode() if sent_id and _REQUEST_ID.fullmatch(sent_id) else trace.random_hex(8)
        scope["request_id"] = request_id
        scope["authenticator"], scope["caller_name"] = self._authenticator, self._authenticator.holder(named)
        scope["bodies"], scope[NAMED] = self._bodies, named
        has_site = b"origin" in named or b"sec-fetch-site" in named
        scope["is_foreign"] = has_site and is_foreign(named, self._allowed_origins)
        parent = None if traceparent is None else traceparent.decode("latin-1")
        trace.enter(parent, request_id=request_id)
        addresses.enter(scope)
        refusal: Refusal | None = scope.get(REFUSAL) or self._refusal(scope, headers, named)
        if refusal:
            await self._observe(_refusing(*refusal), scope, receive, send)
            return
        with self._metrics.in_flight:
            if not self._tracing.is_on:
                await self._observe(self._app, scope, receive, send)
                return
            with self._tracing.span(scope["method"], "SERVER", parent=parent) as note:
                status = await self._observe(self._app, scope, receive, send)
                note("http.route", _route(scope))
                note("http.response.status_code", status)

    async def _observe(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> int:
        """Let the request through to the app, and say what became of it; returns the status."""
        began = time.perf_counter()
        status, is_answered = 500, False
        method, request_id = scope["method"], scope["request_id"]

        async def send_with_id(message: Message) -> None:
            nonlocal status, is_answered
            if message["type"] == "http.response.start":
                status, is_answered = message["status"], True
                message["headers"] += [(b"x-request-id", request_id.encode()), _NO_SNIFFING]
            await send(message)

        try:
            if method == "HEAD":
                await _answer_head(app, scope, receive, send_with_id)
            else:
                await app(scope, receive, send_with_id)
        except Exception:  # a defect, of which the server writes the stack
            if not is_answered:
                await unexpected(Request(scope))(scope, receive, send_with_id)
            raise
        finally:
            took_s = time.perf_counter() - began
            self._metrics.request(method=method, route=_route(scope), status=status, took_s=took_s)
        level = logging.WARNING if status >= 500 else logging.INFO if status >= 400 else logging.DEBUG  # noqa: PLR2004
        if log.isEnabledFor(level):
            took_ms = round(took_s * 1000, 1)
            # the path only: a query may hold a signature
            about = {"method": method, "path": scope["path"], "status": status, "took_ms": took_ms}
            log.log(level, "request", extra=about)
        return status

    def _refusal(
        self, scope: Scope, headers: Sequence[tuple[bytes, bytes]], named: Mapping[bytes, bytes]
    ) -> Refusal | None:
        if not self._is_addressed_here(headers, named):
            return 400, "the Host header names another host than QUORATE_ALLOWED_HOSTS does"
        if scope["is_foreign"] and scope["method"] in CHANGING:
            return 403, FOREIGN
        return None

    def _is_addressed_here(self, headers: Sequence[tuple[bytes, bytes]], named: Mapping[bytes, bytes]) -> bool:
        is_once = len(named) == len(headers) or sum([name == b"host" for name, _ in headers]) == 1
        return is_once and self._is_ours(named.get(b"host", b""))

    def _is_allowed(self, host: bytes) -> bool:
        named = _HOST.fullmatch(host.decode("latin-1"))
        return named is not None and ("*" in self._allowed_hosts or named["name"].lower() in self._allowed_hosts)


def _refusing(status: int, detail: str) -> ASGIApp:
    """An app that answers every request with this problem."""

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        headers = {"Retry-After": RETRY_AFTER_S} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
        await problem(Request(scope), status, detail, headers=headers)(scope, receive, send)

    return refuse


async def _answer_head(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer HEAD as GET would be, without the body; a stream ends before it begins."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    await app({**scope, "method": "GET"}, receive, send_head)


def _route(scope: Scope) -> str:
    """The template of the route that took the request, so that no id, and nobody's invention, is in it."""
    return getattr(scope.get("route"), "path", "none")
