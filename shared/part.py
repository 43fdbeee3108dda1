"""One service, assembled: what it serves, what it hears and what it does by itself. And how parts run together."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from fastapi import APIRouter

from shared.admin import dead_letters, status
from shared.admin.replicas import Replicas
from shared.admin.reports import Reporter
from shared.bus import Bus
from shared.clock import Clock
from shared.http.application import Check, application
from shared.http.serving import Deployable, ServerSettings
from shared.objects import ObjectStore
from shared.outbox import Relay
from shared.telemetry import Telemetry
from shared.telemetry.observed_bus import ObservedBus
from shared.telemetry.watch import Watch

Store_co = TypeVar("Store_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters(Generic[Store_co]):
    """What a service works on. Whoever made them opens and closes them; nothing is open while a part is assembled."""

    store: Store_co
    objects: ObjectStore
    bus: Bus
    clock: Clock
    telemetry: Telemetry


class Closable(Protocol):
    """Something that has to be closed."""

    async def close(self) -> None: ...


class Worker(Closable, Protocol):
    """Something that works by itself between its start and its close."""

    def start(self) -> None: ...


def nothing(*_: object) -> None:
    """Do nothing: what a part does that has nothing to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A service that is ready to run, in a process of its own or beside others.

    name: that of its package; its queues begin with it.
    routers: what it serves.
    subscribe: has the bus deliver the events that it listens to.
    relays: publish its outboxes.
    workers: what it does though nobody asks.
    tools: what handlers use and what ends with the process.
    gauges: set the metrics that somebody has to look for.
    before_shutdown: called when the process is told to stop, before it waits for the requests under way.
    answers_admin: whether it answers `/api/admin` for the whole platform; of all services, one does.
    resources: what its handlers work with, for programs that call them.
    """

    name: str
    routers: Sequence[APIRouter]
    subscribe: Callable[[Bus], None] = nothing
    relays: Sequence[Relay] = ()
    workers: Sequence[Worker] = ()
    tools: Sequence[Closable] = ()
    gauges: Sequence[Callable[[], Awaitable[None]]] = ()
    before_shutdown: Callable[[], None] = nothing
    answers_admin: bool = False
    resources: object = None


@asynccontextmanager
async def running(parts: Iterable[Part], bus: Bus) -> AsyncGenerator[None]:
    """Run parts on adapters that are open.

    On the way out: end what they do by themselves, take no more events, finish those at hand, publish what they led to,
    and close what the handlers used.
    """
    parts = tuple(parts)
    async with AsyncExitStack() as stack:
        for tool in (tool for part in parts for tool in part.tools):
            stack.push_async_callback(tool.close)
        for relay in (relay for part in parts for relay in part.relays):
            relay.start()
            stack.push_async_callback(relay.close)
        stack.push_async_callback(bus.drain)
        for part in parts:
            part.subscribe(bus)
        for worker in (worker for part in parts for worker in part.workers):
            worker.start()
            stack.push_async_callback(worker.close)
        yield


def deployable(
    title: str,
    settings: ServerSettings,
    parts: Sequence[Part],
    adapters: Adapters[object],
    *,
    opened: Callable[[], AbstractAsyncContextManager[None]],
    routers: Sequence[APIRouter] = (),
    needs: Mapping[str, Check] | None = None,
    uses: Mapping[str, Check] | None = None,
) -> Deployable:
    """One process that serves these parts.

    adapters: of any of the parts, for they share all but the store.
    opened: opens all adapters, and closes them.
    routers: what the process serves beside its parts.
    needs, uses: as `application` takes them.
    """
    bus, telemetry, clock = adapters.bus, adapters.telemetry, adapters.clock
    outboxes = [relay.outbox for part in parts for relay in part.relays]
    watch = Watch(telemetry.metrics, bus, outboxes, clock, [gauge for part in parts for gauge in part.gauges])
    reporter = Reporter([part.name for part in parts], telemetry.metrics, watch, bus)
    served = [*routers, *(router for part in parts for router in part.routers)]
    replicas = Replicas(clock)
    answers_admin = any(part.answers_admin for part in parts)
    if answers_admin:
        served += [dead_letters.router(bus), status.router(reporter, replicas)]

    @asynccontextmanager
    async def everything() -> AsyncGenerator[None]:
        async with opened(), running(parts, ObservedBus(bus, telemetry, clock)):
            if answers_admin:
                bus.listen(replicas.heard)
            reporter.start()
            try:
                yield
            finally:
                await reporter.close()

    def before_shutdown() -> None:
        for part in parts:
            part.before_shutdown()

    app = application(
        title,
        settings,
        routers=served,
        running=everything,
        telemetry=telemetry,
        watch=watch,
        needs=needs,
        uses=uses,
    )
    return Deployable(app=app, before_shutdown=before_shutdown)
