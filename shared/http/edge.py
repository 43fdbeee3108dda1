"""The outermost layer of a service: a request id for every request, hosts checked, the caller's name read, requests
logged without secrets."""

import logging
import re
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import problem
from shared.identity import HEADER, LOCAL
from shared.telemetry import Telemetry, trace

log = logging.getLogger(__name__)

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")
HOSTS_CACHED = 64


class Edge:
    """ASGI middleware. `allowed_hosts`: host names that requests may be addressed to; `*` allows any."""

    def __init__(self, app: ASGIApp, *, allowed_hosts: Iterable[str], telemetry: Telemetry) -> None:
        self._app = app
        self._allowed_hosts = frozenset(allowed_hosts)
        self._metrics = telemetry.metrics
        self._tracing = telemetry.tracing
        self._is_ours = lru_cache(HOSTS_CACHED)(self._is_allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
        named = dict(reversed(headers))  # of one that is given twice, the first counts
        sent_id, traceparent = named.get(b"x-request-id", b""), named.get(b"traceparent")
        request_id = sent_id.decode() if _REQUEST_ID.fullmatch(sent_id) else trace.random_hex(8)
        scope["request_id"] = request_id
        scope["caller_name"] = named[HEADER].decode("latin-1") if HEADER in named else LOCAL
        parent = None if traceparent is None else traceparent.decode("latin-1")
        trace.enter(parent, request_id=request_id)
        if not self._is_addressed_here(headers, named.get(b"host", b"")):
            await problem(Request(scope), 400, "the Host header names another host")(scope, receive, send)
            return
        with self._metrics.in_flight:
            if not self._tracing.is_on:
                await self._observe(scope, receive, send, request_id)
                return
            with self._tracing.span(scope["method"], "SERVER", parent=parent) as note:
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

    def _is_addressed_here(self, headers: Sequence[tuple[bytes, bytes]], host: bytes) -> bool:
        return sum([name == b"host" for name, _ in headers]) == 1 and self._is_ours(host)

    def _is_allowed(self, host: bytes) -> bool:
        named = _HOST.fullmatch(host.decode("latin-1"))
        return named is not None and ("*" in self._allowed_hosts or named["name"].lower() in self._allowed_hosts)


def _route(scope: Scope) -> str:
    """The template of the route that took the request, so that no id, and nobody's invention, is in it."""
    return getattr(scope.get("route"), "path", "none")
