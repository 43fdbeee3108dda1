"""The outermost layer of a service: a request id for every request, hosts checked, requests logged without secrets."""

import logging
import re
import time
from collections.abc import Iterable

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import trace
from shared.problems import problem

log = logging.getLogger(__name__)

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Edge:
    """ASGI middleware. `allowed_hosts`: host names that requests may be addressed to; `*` allows any."""

    def __init__(self, app: ASGIApp, *, allowed_hosts: Iterable[str]) -> None:
        self._app = app
        self._allowed_hosts = frozenset(allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = headers.get("x-request-id", "")
        if not _REQUEST_ID.fullmatch(request_id):
            request_id = trace.random_hex(8)
        scope["request_id"] = request_id
        trace.enter(headers.get("traceparent"))
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        if not self._is_addressed_here(headers.getlist("host")):
            await problem(Request(scope), 400, "the Host header names another host")(scope, receive, send)
            return
        await self._observe(scope, receive, send, request_id)

    async def _observe(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        began = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        await self._app(scope, receive, send_with_id)
        level = logging.WARNING if status >= 500 else logging.INFO if status >= 400 else logging.DEBUG  # noqa: PLR2004
        if log.isEnabledFor(level):
            took_ms = round((time.perf_counter() - began) * 1000, 1)
            # the path only: a query may hold a signature
            about = {"method": scope["method"], "path": scope["path"], "status": status, "took_ms": took_ms}
            log.log(level, "request", extra=about)

    def _is_addressed_here(self, hosts: list[str]) -> bool:
        named = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        return named is not None and ("*" in self._allowed_hosts or named["name"].lower() in self._allowed_hosts)
