"""Connections with limits of the service's own: uvicorn's protocol on httptools, which has none of them.

What a connection refuses by itself it hands to the app like any request, with the refusal in the scope: the edge
answers it as it answers everything else.
"""

import asyncio
import math
from collections import OrderedDict
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain
from typing import Any, cast

import httptools
from uvicorn._types import ASGI3Application, HTTPScope
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from shared.http.addresses import forwarded_address, place_of
from shared.shares import Holder, Shares

_VERSIONS = ("1.1", "1.0")
_FRAMING = (b"content-length", b"transfer-encoding")
REFUSAL = "quorate.refusal"
"""The scope's name for the status and the reason with which the edge answers, instead of asking a route."""
MIN_BODY_BYTES_PER_S = 500
"""What a body has to bring on average, or it counts as stalled: a byte now and then would hold a place for ever."""
MAX_HEADERS = 100
MAX_HEADER_BYTES = 64_000
MAX_URI_BYTES = 8_000
TOO_LARGE = f"the headers are over the limit of {MAX_HEADER_BYTES:,} bytes"
MAX_PATH_SHOWN = 1_000
MAX_SENT_AHEAD = 64
"""Requests on one connection that may wait for the answer to the one before them."""

Refusal = tuple[int, str]
TOO_MANY: Refusal = HTTPStatus.SERVICE_UNAVAILABLE, "too many connections are open"


@dataclass(frozen=True, slots=True, kw_only=True)
class WireLimits:
    """What a process takes of connections.

    header_s: until a header is complete. body_s: without a byte of a body, or of an answer that is being read.
    max_unsent_bytes: of all answers that wait for their readers.
    trusted_proxies: how many of the operator's stand before the service, each of which says for whom it calls.
    drain_s: for one more request on each, once the process is told to stop.
    """

    max_connections: int = 2_000
    header_s: float = 10.0
    body_s: float = 30.0
    max_unsent_bytes: int = 64_000_000
    trusted_proxies: int = 0
    drain_s: float = 0.0


class Connections(ServerState):
    """All connections of a server, and among them those that wait for a request, the longest waiting first."""

    def __init__(self, limits: WireLimits) -> None:
        super().__init__()
        self.limits = limits
        self.waiting: OrderedDict[Connection, None] = OrderedDict()
        self.shares = Shares(limits.max_connections)

    def admit(self, holder: Holder) -> bool:
        """Count one more connection of a holder. Returns whether there is room for it, or another has made some: one of
        the same holder, else any if all are taken."""
        has_room = self.shares.has_room(holder)
        is_full = self.shares.free <= 0
        self.shares.take(holder)
        return has_room or self.make_room(holder) or (is_full and self.make_room())

    def make_room(self, holder: Holder | None = None) -> bool:
        """End the connection, of this holder or of any, that has waited longest for a request. Returns whether there
        was one."""
        longest = next((one for one in self.waiting if holder in (None, one.holder)), None)
        if longest is not None:
            longest.give_way()
        return longest is not None

    def end_stalled(self, now: float) -> None:
        """End every connection on which nothing moves though it is the caller's turn."""
        for connection in tuple(self.connections):
            cast("Connection", connection).end_if_stalled(now)
        self._end_unread()

    def _end_unread(self) -> None:
        """Where too much waits for its readers, end the connections that have waited longest; never the last one."""
        unread = [one for one in cast("set[Connection]", self.connections) if one.unsent_bytes]
        excess = sum(one.unsent_bytes for one in unread) - self.limits.max_unsent_bytes
        if excess <= 0:
            return
        for one in sorted(unread, key=lambda one: one.unsent_until)[:-1]:
            one.transport.abort()
            excess -= one.unsent_bytes
            if excess <= 0:
                return


class Connection(HttpToolsProtocol):
    """One connection. A request is read within the limits, or refused and the connection ended."""

    parser: httptools.HttpRequestParser  # until the connection is lost

    def __init__(
        self,
        config: Config,
        server_state: Connections,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # uvicorn lets data follow a request that ends its connection; what they would be for nobody can say
        self.parser.set_dangerous_leniencies(lenient_data_after_close=False)
        self.url = b""
        self._all = server_state
        self._limits = server_state.limits
        self._now = 0.0  # when data came last
        self._deadline = math.inf  # the caller's turn to send ends then
        self._is_in_body = False
        self._has_asked = False
        self._is_over = False
        self._refusal: Refusal | None = None
        self._unparsed_bytes = 0  # since the last piece of a body, or the end of a request
        self._fed_bytes = 0  # at last
        self.unsent_bytes = 0  # as it was seen last, of an answer that its reader keeps waiting
        self.unsent_until = math.inf
        self._running: RequestResponseCycle | None = None
        self.holder: Holder | None = None

    # What asyncio calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self._deadline = self.loop.time() + self._limits.header_s
        if not self._limits.trusted_proxies:
            self._hold(self.client[0] if self.client else "")
        elif len(self.connections) > self._limits.max_connections and not self._all.make_room():
            self._refusal = TOO_MANY
        self._all.waiting[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.waiting.pop(self, None)
        self._release()
        self._is_over = True
        self.pipeline.clear()
        super().connection_lost(exc)
        if self._running is not None:  # uvicorn tells the request that came last, which may be behind this one
            self._running.disconnected = True
            self._running.message_event.set()

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        self._unset_keepalive_if_required()
        self._now = self.loop.time()
        if self._deadline == math.inf:
            self._deadline = self._now + self._limits.header_s  # also for line ends before a request
        self._fed_bytes = len(data)
        self._unparsed_bytes += self._fed_bytes
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # an offer, which is not taken
            self._is_over = True
            self.cycle.keep_alive = False
        except httptools.HttpParserError:
            self._refuse(*self._refusal or (HTTPStatus.BAD_REQUEST, "the request is not well-formed HTTP/1.1"))
        else:
            if self._unparsed_bytes > MAX_HEADER_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, TOO_LARGE)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    # What the parser calls

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._deadline = self._now + self._limits.header_s

    def on_headers_complete(self) -> None:
        if self._limits.trusted_proxies:
            self._hold_for_caller()
        if refusal := self._refusal or self._refusal_of_head():
            self._refusal = refusal
            raise ValueError(refusal)
        super().on_headers_complete()
        self._all.waiting.pop(self, None)
        self._has_asked = self._is_in_body = True
        self._unparsed_bytes = 0
        self._deadline = self._now + self._limits.body_s
        self.headers = []  # trailers go there, where nobody takes them for headers
        if self.cycle.waiting_for_100_continue:
            # a caller that is refused sends no body, and its next request must not be taken for one
            self.cycle.keep_alive = False
            self.cycle.waiting_for_100_continue = self.parser.get_http_version() == "1.1"

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._unparsed_bytes = 0
        if not self.cycle.response_complete:  # who is answered already may not go on for ever
            latest = self._now + self._limits.body_s
            self._deadline = min(latest, self._deadline + len(body) / MIN_BODY_BYTES_PER_S)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._is_in_body = False
        self._unparsed_bytes = 0
        self._deadline = math.inf
        if self.expect_100_continue:
            self.cycle.keep_alive = self.parser.should_keep_alive()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.pipeline and not self._is_in_body and not self.transport.is_closing():
            self._all.waiting[self] = None
            if self._limits.trusted_proxies:
                self._release()
            if self._is_over:
                self._all.waiting.move_to_end(self, last=False)

    # Whose it is

    def _hold(self, address: str) -> None:
        """Count the connection for an address, and refuse its request where that has its share."""
        self._release()
        self.holder = Holder(place_of(address))
        if not self._all.admit(self.holder):
            self._refusal = TOO_MANY

    def _hold_for_caller(self) -> None:
        """While it carries a request, the connection of a proxy is that of the caller behind it."""
        address = forwarded_address(self.headers, self._limits.trusted_proxies)
        if address is not None:
            self.scope["client"] = (address, 0)
        client = self.scope["client"]
        self._hold(client[0] if client else "")

    def _release(self) -> None:
        if self.holder is not None:
            self._all.shares.give_back(self.holder)
            self.holder = None

    # What ends it

    def give_way(self) -> None:
        """Make room for another connection."""
        self._all.waiting.pop(self, None)
        if self._is_over or (self._has_asked and self._deadline == math.inf):  # nothing is left to be answered
            self.transport.abort()
        else:
            self._refuse(*TOO_MANY)

    def end_if_stalled(self, now: float) -> None:
        if self._is_unread(now):
            self.transport.abort()
        elif now <= self._deadline or self._is_over:
            return
        elif self.flow.read_paused or (self._is_in_body and self.cycle.waiting_for_100_continue):
            self._deadline = now + self._limits.body_s  # it waits for us
        elif self._is_in_body:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"no more of the body came within {self._limits.body_s:g} s")
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"no whole header came within {self._limits.header_s:g} s")

    def _is_unread(self, now: float) -> bool:
        """Whether an answer has been waiting for its reader, who took none of it for too long."""
        if not (self.flow.write_paused or self.transport.is_closing()):
            self.unsent_bytes, self.unsent_until = 0, math.inf
            return False
        unsent_bytes = self.transport.get_write_buffer_size()
        if unsent_bytes != self.unsent_bytes or self.unsent_until == math.inf:
            self.unsent_bytes, self.unsent_until = unsent_bytes, now + self._limits.body_s
        return now > self.unsent_until

    # How a request is refused

    def _refusal_of_head(self) -> Refusal | None:
        headers = self.headers
        if len(self.url) > MAX_URI_BYTES:
            return HTTPStatus.REQUEST_URI_TOO_LONG, f"the URI is over the limit of {MAX_URI_BYTES:,} bytes"
        if len(headers) > MAX_HEADERS:
            return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"there are more than {MAX_HEADERS} headers"
        is_large = self._fed_bytes > MAX_HEADER_BYTES or self._unparsed_bytes > MAX_HEADER_BYTES
        if is_large and sum(map(len, chain.from_iterable(headers))) > MAX_HEADER_BYTES:
            return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, TOO_LARGE
        return self._refusal_of_framing(headers)

    def _refusal_of_framing(self, headers: list[tuple[bytes, bytes]]) -> Refusal | None:
        """What would leave it open where the request ends; the parser finds the rest."""
        version = self.parser.get_http_version()
        if version not in _VERSIONS:
            return HTTPStatus.BAD_REQUEST, "only HTTP/1.1 and HTTP/1.0 are spoken here"
        encodings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
        if encodings and (version != "1.1" or set(encodings) != {b"chunked"}):
            return HTTPStatus.BAD_REQUEST, "of transfer encodings, only chunked is taken"
        if self.parser.should_upgrade() and any(name in _FRAMING for name, _ in headers):
            return HTTPStatus.BAD_REQUEST, "no other protocol is spoken here: send the body without offering one"
        if len(self.pipeline) >= MAX_SENT_AHEAD:
            return HTTPStatus.SERVICE_UNAVAILABLE, "too many requests were sent ahead"
        return None

    def _refuse(self, status: int, detail: str) -> None:
        """Answer in the place of the request that is being read, after those before it, and end the connection."""
        self._is_over = True
        self._all.waiting.pop(self, None)
        before = cast("RequestResponseCycle | None", self.cycle)
        is_busy = before is not None and not before.response_complete
        if before is not None and self._is_in_body and is_busy:
            if before.response_started:
                self.transport.close()
                return
            before.disconnected = True  # as its route sees it, the caller has gone
            before.message_event.set()
            is_busy = bool(self.pipeline)  # it waits there for its turn, or has it
            if is_busy:
                self.pipeline.popleft()
        self._is_in_body = False
        self.cycle = self._refusing(status, detail)
        app = cast("ASGI3Application", self.app)
        if is_busy:
            self.pipeline.appendleft((self.cycle, app))
        else:
            self._start_asgi_task(self.cycle, app)

    def _refusing(self, status: int, detail: str) -> RequestResponseCycle:
        scope: dict[str, Any] = {
            **self._blank_scope,
            "method": self.parser.get_method().decode("ascii") if self.url else "none",
            "path": self.url.partition(b"?")[0][:MAX_PATH_SHOWN].decode("ascii", "replace") or "/",
            REFUSAL: (int(status), detail),
        }
        return RequestResponseCycle(
            scope=cast("HTTPScope", scope),
            transport=cast("asyncio.Transport", _HalfClosed(self.transport)),
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=False,
            on_response=self.on_response_complete,
        )

    @property
    def _blank_scope(self) -> dict[str, Any]:
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": "1.1",
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": "",
            "raw_path": b"",
            "query_string": b"",
            "headers": [],
            "state": {},
        }


class _HalfClosed:
    """A transport that ends only what it sends: what still comes is read and dropped, until uvicorn's timer of idle
    connections ends it. Closed at once, the kernel would reset it, and the caller lose the answer."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.write = transport.write
        self.is_closing = transport.is_closing

    def close(self) -> None:
        if not self._transport.is_closing():
            self._transport.write_eof()
