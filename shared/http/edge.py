"""The outermost layer of a service: a request id for every request, hosts checked, requests logged without secrets."""

import logging
import re
import time
from collections.abc import Iterable

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import problem
from shared.telemetry import Telemetry, trace

log = logging.getLogger(__name__)

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


_NO_SNIFFING = (b"x-content-type-options", b"nosniff")


class Edge:
    """ASGI middleware. `allowed_hosts`: host names that requests may be addressed to; `*` allows any."""

    def __init__(self, app: ASGIApp, *, allowed_hosts: Iterable[str], telemetry: Telemetry) -> None:
        self._app = app
        self._allowed_hosts = frozenset(allowed_hosts)
        self._metrics = telemetry.metrics
        self._tracing = telemetry.tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        hosts, request_id, traceparent = _read(scope["headers"])
        if not _REQUEST_ID.fullmatch(request_id):
            request_id = trace.random_hex(8)
        scope["request_id"] = request_id
        trace.enter(traceparent, request_id=request_id)
        if not self._is_addressed_here(hosts):
            await problem(Request(scope), 400, "the Host header names another host")(scope, receive, send)
            return
        with self._metrics.in_flight(), self._tracing.span(scope["method"], "SERVER", parent=traceparent) as note:
            status = await self._observe(scope, receive, send, request_id)
            note("http.route", _route(scope))
            note("http.response.status_code", status)

    async def _observe(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> int:
        """Let the request through, and say what became of it; returns the status."""
        began = time.perf_counter()
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] += [(b"x-request-id", request_id.encode()), _NO_SNIFFING]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            took_s = time.perf_counter() - began
            self._metrics.request(method=scope["method"], route=_route(scope), status=status, took_s=took_s)
        level = logging.WARNING if status >= 500 else logging.INFO if status >= 400 else logging.DEBUG  # noqa: PLR2004
        if log.isEnabledFor(level):
            took_ms = round(took_s * 1000, 1)
            # the path only: a query may hold a signature
            about = {"method": scope["method"], "path": scope["path"], "status": status, "took_ms": took_ms}
            log.log(level, "request", extra=about)
        return status

    def _is_addressed_here(self, hosts: list[str]) -> bool:
        named = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        return named is not None and ("*" in self._allowed_hosts or named["name"].lower() in self._allowed_hosts)


def _route(scope: Scope) -> str:
    """The template of the route that took the request, so that no id, and nobody's invention, is in it."""
    return getattr(scope.get("route"), "path", "none")


def _read(headers: Iterable[tuple[bytes, bytes]]) -> tuple[list[str], str, str | None]:
    """Every host, the request id, and the trace context that a request names, in one pass: every request pays."""
    hosts: list[str] = []
    request_id, traceparent = "", None
    for name, value in headers:
        if name == b"host":
            hosts.append(value.decode("latin-1"))
        elif name == b"x-request-id":
            request_id = value.decode("latin-1")
        elif name == b"traceparent":
            traceparent = value.decode("latin-1")
    return hosts, request_id, traceparent
