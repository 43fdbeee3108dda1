"""How every deployable serves: its common settings, its socket, its signals, and the line that says it is ready."""

import asyncio
import gc
import ipaddress
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Annotated, Any, Literal, NoReturn, TypeVar, cast

import uvicorn
from fastapi import FastAPI
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from uvicorn.config import STARTUP_FAILURE

from shared.errors import QuorateError, Unavailable
from shared.freed_memory import give_back_large_blocks
from shared.http.connections import Connection, Connections, WireLimits
from shared.http.environment import misspelt, told, unread
from shared.http.listener import Listener, connections_possible
from shared.http.operations_port import OperationsPort
from shared.http.rates import Rates
from shared.picture_limits import PictureLimits
from shared.telemetry import Telemetry
from shared.telemetry.logs import configure_logs, say
from shared.telemetry.tracing import tracing
from shared.version import VERSION

log = logging.getLogger(__name__)

GRACE_S = 10
DRAIN_POLL_S = 0.1
GC_THRESHOLD = 10_000
OPTIONS: dict[str, Any] = {
    "loop": "auto",
    "http": Connection,
    "ws": "none",
    "access_log": False,
    "log_config": None,
    "server_header": False,
    "proxy_headers": False,
    "timeout_graceful_shutdown": GRACE_S,
}
"""Of uvicorn."""


class UnsafeSettings(QuorateError):
    """The service would be open to strangers as it is set up."""


class ServerSettings(BaseSettings):
    """What can be set wherever requests and pictures are taken; the defaults are safe on one machine."""

    model_config = SettingsConfigDict(env_prefix="QUORATE_", frozen=True, extra="ignore")

    host: Annotated[str, Field(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="port to listen on; 0: any free one")] = 8080
    operations_port: Annotated[
        int | None,
        Field(
            ge=0,
            le=65535,
            description="port for `/metrics` and `/readyz`, which the other one then does not have; 0: any free one;"
            " none: they are on the other one, with `QUORATE_AUTH=on` for this machine alone",
        ),
    ] = None
    auth: Annotated[
        Literal["off", "on"] | None,
        Field(
            description="`on`: people sign in, and programs have keys; `off`: callers are who they say they are, and"
            " may do everything; to listen beyond this machine, one of them must be set by hand"
        ),
    ] = None
    allowed_hosts: Annotated[
        str, Field(description="host names that requests may name beside this machine's, comma separated; `*`: any")
    ] = ""
    allowed_origins: Annotated[
        str,
        Field(
            description="origins (`https://name`) whose pages may change things and read answers (by a key, never by a"
            " cookie), beside the platform's own, comma separated"
        ),
    ] = ""
    max_connections: Annotated[
        int,
        Field(
            ge=1,
            description="connections at a time, as far as there are file descriptors: one that waits for a"
            " request gives way to a new one; more are told to come back",
        ),
    ] = 2_000
    trusted_proxies: Annotated[
        int,
        Field(
            ge=0,
            le=10,
            description="proxies of yours before the service: so many addresses at the end of `X-Forwarded-For` are"
            " believed; 0: none, callers are at the address that connects",
        ),
    ] = 0
    rate_key: Annotated[
        float,
        Field(
            ge=0,
            description="requests a second of one key or session, in the long run; ten seconds' worth may come at once;"
            " more are told to come back (429); 0: as many as come. With `QUORATE_AUTH=off` only where it is set",
        ),
    ] = 500.0
    rate_person: Annotated[float, Field(ge=0, description="the same of one person, with all keys and sessions")] = (
        1_000.0
    )
    rate_address: Annotated[
        float, Field(ge=0, description="the same of callers who are not known, by the address that they are at")
    ] = 500.0
    drain_s: Annotated[
        float,
        Field(
            ge=0,
            le=60,
            description="seconds that connections stay open for one more request each once the service is told to stop,"
            " while no new one is taken: longer than proxies keep those that they do not use; 0: they end at once",
        ),
    ] = 0.0
    header_s: Annotated[
        float, Field(gt=0, le=3_600, description="seconds that a request may take until its headers are complete")
    ] = 10.0
    body_s: Annotated[
        float,
        Field(
            gt=0,
            le=3_600,
            description="seconds without a byte of a body, or without an answer being read, after"
            " which a connection ends",
        ),
    ] = 30.0
    max_bodies_bytes: Annotated[
        int,
        Field(
            ge=1,
            description="bodies of requests that are held in memory, in bytes together: JSON, pictures in"
            " base64, staged files, detection requests; more are told to come back",
        ),
    ] = 64_000_000
    max_unsent_bytes: Annotated[
        int,
        Field(
            ge=1,
            description="answers that wait for their readers, in bytes together; beyond it the connections that have"
            " waited longest end",
        ),
    ] = 64_000_000
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="the least severe log lines to write")
    ] = "info"
    otlp_endpoint: Annotated[
        str | None,
        Field(description="URL of an OpenTelemetry collector that takes OTLP over HTTP; none: no spans are made"),
    ] = None
    trace_share: Annotated[
        float, Field(ge=0, le=1, description="the share of the traces beginning here whose spans are sent, 0 to 1")
    ] = 1.0
    max_image_bytes: Annotated[int, Field(ge=1, description="size of one picture, in bytes")] = 20_000_000
    max_image_pixels: Annotated[int, Field(ge=1, description="width times height of one picture")] = 25_000_000
    max_image_side: Annotated[int, Field(ge=1, description="width or height of one picture, in pixels")] = 10_000

    max_decoding_bytes: Annotated[
        int,
        Field(
            ge=1,
            description="memory for all pictures being decoded at a time, in bytes: they wait for each other, and one"
            " that can take more is refused",
        ),
    ] = 450_000_000

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the service."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def hosts(self) -> frozenset[str]:
        """Host names that requests may be addressed to. Names beyond this machine's keep out pages that rebind DNS."""
        named = {name.strip().lower() for name in self.allowed_hosts.split(",") if name.strip()}
        if not self.is_local and not named:
            return frozenset({"*"})
        return frozenset({"127.0.0.1", "localhost", "[::1]", self.host.lower(), *named})

    @property
    def origins(self) -> frozenset[str]:
        """Origins whose pages may change things, beside the service's own."""
        return frozenset(one.strip().lower().rstrip("/") for one in self.allowed_origins.split(",") if one.strip())

    @property
    def rates(self) -> Rates:
        """How fast callers may ask: where everyone may do everything, as fast as they like, but for what was set."""
        counts = {"rate_key", "rate_person", "rate_address"}
        if self.auth != "on":
            counts &= self.model_fields_set
        return Rates(
            key=self.rate_key if "rate_key" in counts else 0.0,
            person=self.rate_person if "rate_person" in counts else 0.0,
            address=self.rate_address if "rate_address" in counts else 0.0,
        )

    @property
    def wire_limits(self) -> WireLimits:
        return WireLimits(
            max_connections=self.max_connections,
            header_s=self.header_s,
            body_s=self.body_s,
            max_unsent_bytes=self.max_unsent_bytes,
            trusted_proxies=self.trusted_proxies,
            drain_s=self.drain_s,
        )

    def telemetry(self, service: str) -> Telemetry:
        """Where a service's observations go."""
        return Telemetry(tracing=tracing(service, endpoint=self.otlp_endpoint, share=self.trace_share))

    @property
    def picture_limits(self) -> PictureLimits:
        return PictureLimits(
            max_bytes=self.max_image_bytes, max_pixels=self.max_image_pixels, max_side=self.max_image_side
        )

    def refuse_if_unsafe(self) -> None:
        """Raises UnsafeSettings where strangers could reach a service that asks nobody who they are."""
        if not self.is_local and self.auth is None:
            raise UnsafeSettings(
                f"{self.host} can be reached from other machines: listen on 127.0.0.1, or set QUORATE_AUTH=on, so that"
                " people sign in, or QUORATE_AUTH=off if everyone who can reach it may do everything"
            )


S = TypeVar("S", bound=ServerSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployable:
    """An app that is ready to be served.

    operations: what is served on a port of its own, for those who run it.
    limits: what its connections may send, and how long they may take.
    guard: held for as long as it is served.
    before_shutdown: called when it is told to stop, before it waits for the requests under way.
    preflight: asked before it is served, where that takes servers; what it raises keeps it from starting.
    greeting: what is said once it answers, below the line that says where: from the URL, a line or nothing.
    """

    app: FastAPI
    operations: FastAPI | None = None
    limits: WireLimits = field(default_factory=WireLimits)
    guard: AbstractContextManager[object] = field(default_factory=nullcontext)
    before_shutdown: Callable[[], None] = lambda: None
    preflight: Callable[[], Coroutine[None, None, None]] | None = None
    greeting: Callable[[str], str] = lambda _url: ""


def serve(kind: type[S], create: Callable[[S], Deployable]) -> int:
    """Serve until told to stop; returns the exit status: 2, with the reason on standard error, where it cannot start.

    kind: the settings, which are read from the environment.
    create: makes the app that they describe; it may raise what files and models raise.
    """
    give_back_large_blocks()
    try:
        settings = kind()
        settings.refuse_if_unsafe()
        if slips := misspelt(kind, os.environ):
            for name, meant in slips.items():
                print(f"{name}: there is no such setting; {meant} is one", file=sys.stderr)  # noqa: T201
            return 2
        deployable = create(settings)
        listener = _listen(settings.host, settings.port)
        operations = None if settings.operations_port is None else _listen(settings.host, settings.operations_port)
    except ValidationError as error:
        for one in error.errors():
            print(f"QUORATE_{str(one['loc'][0]).upper()}: {one['msg']}", file=sys.stderr)  # noqa: T201
        return 2
    except (QuorateError, OSError) as error:
        print(f"quorate cannot start: {error}", file=sys.stderr)  # noqa: T201
        return 2
    configure_logs(settings.log_level)
    log.info("starting", extra={"version": VERSION, "settings": told(settings), "unread": unread(kind, os.environ)})
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)  # uvicorn raises the signal again once it has shut down
    with deployable.guard, listener, operations or nullcontext():
        if (status := _asked(deployable)) is not None:
            return status
        _Server(deployable, listener, operations).run(sockets=[listener])
    return 0


def _asked(deployable: Deployable) -> int | None:
    """The status with which it does not start; None: it may."""
    if deployable.preflight is None:
        return None
    try:
        asyncio.run(deployable.preflight())
    except QuorateError as error:
        print(f"quorate cannot start: {error}", file=sys.stderr)  # noqa: T201
        return STARTUP_FAILURE if isinstance(error, Unavailable) else 2
    return None


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


class _Server(uvicorn.Server):
    """Accepts by itself, ends connections that stall, and says where it listens once it answers."""

    def __init__(self, deployable: Deployable, listening: socket.socket, operations: socket.socket | None) -> None:
        super().__init__(uvicorn.Config(deployable.app, **OPTIONS))
        limits = deployable.limits
        self._drain_s = limits.drain_s
        self._operations = None
        if operations is not None and deployable.operations is not None:
            self._operations = OperationsPort(deployable.operations, operations, limits, OPTIONS)
        self._connections = Connections(replace(limits, max_connections=connections_possible(limits.max_connections)))
        self.server_state = self._connections
        self._before_shutdown = deployable.before_shutdown
        self._greeting = deployable.greeting
        self._listening = listening
        self._address: tuple[str, int] = listening.getsockname()[:2]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._before_shutdown()
        if self._operations is not None:
            self._operations.close()
        await self._drain()
        await super().shutdown(sockets)

    async def _drain(self) -> None:
        """Let connections end by themselves: proxies then send nothing on one that ends just now."""
        if not self._drain_s:
            return
        self._connections.default_headers = [*self._connections.default_headers, (b"connection", b"close")]
        await cast("Listener", self.servers[0]).take_the_last()
        loop = asyncio.get_running_loop()
        until = loop.time() + self._drain_s
        while self._connections.connections and loop.time() < until:  # noqa: ASYNC110 - a set of uvicorn's
            await asyncio.sleep(DRAIN_POLL_S)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        listener = Listener(self._listening, self._connections, self._connection)
        self.servers = [cast("asyncio.Server", listener)]
        if self._operations is not None:
            self._operations.open()
        self.started = True
        _spare_the_collector()
        host, port = self._address
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{port}"
        said = [f"Quorate is ready on {url}", self._greeting(url)]
        if self._operations is not None:
            said.append(f"Metrics and readiness are on http://{shown}:{self._operations.port}")
        say([line for line in said if line])

    async def on_tick(self, counter: int) -> bool:
        is_over = await super().on_tick(counter)  # first: it makes the headers of every answer, the date among them
        now = asyncio.get_running_loop().time()
        self._connections.end_stalled(now)
        if self._operations is not None:
            self._operations.tick(now, self._connections.default_headers)
        return is_over

    def _connection(self) -> Connection:
        return Connection(self.config, self._connections, self.lifespan.state)


def _spare_the_collector() -> None:
    """What was made by now stays: leave it out of garbage collections, and let them come less often."""
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 20)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(f"nothing can listen on {host}, port {port}: {error.strerror or error}") from error
    listener.set_inheritable(True)
    return listener
