"""A part: one service assembled on its adapters, ready to run alone or beside other parts."""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from fastapi import APIRouter

from shared.admin import dead_letters, series, services, status
from shared.admin.replicas import Replicas
from shared.admin.reports import Reporter
from shared.auditing import Auditor
from shared.bus import Bus
from shared.clock import Clock
from shared.freed_memory import FreedMemory
from shared.http.application import application
from shared.http.operations import Check
from shared.http.serving import Deployable, ServerSettings
from shared.identity.authenticator import Authenticator
from shared.objects import ObjectStore
from shared.outbox import Relay
from shared.telemetry import Telemetry, clock_gauge
from shared.telemetry.observed_bus import ObservedBus
from shared.telemetry.watch import Gauge, Watch

Store_co = TypeVar("Store_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters(Generic[Store_co]):
    """What a service works on. The app makes, opens and closes them; none is open while a part is assembled."""

    store: Store_co
    bus: Bus
    clock: Clock
    telemetry: Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureAdapters(Adapters[Store_co]):
    """Those of a service that works with pictures."""

    objects: ObjectStore


class Closable(Protocol):
    """Something that has to be closed."""

    async def close(self) -> None: ...


class Worker(Closable, Protocol):
    """Something that works in the background from `start` to `close`."""

    def start(self) -> None: ...


def nothing(*_: object) -> None:
    """Do nothing: the default of a part's callbacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A service that is ready to run, in a process of its own or beside others.

    name: the name of its package, with which its queues begin.
    routers: what it serves.
    subscribe: subscribes its handlers to the bus.
    relays: publish its outboxes.
    workers: what it does without a request or an event.
    tools: what its handlers use, closed when the process ends.
    gauges: measure and set metrics, whenever metrics are read, by what they look at.
    counters: how often something has happened since the process began, by the name of its series for administrators.
    before_shutdown: called when the process is told to stop, before it waits for the requests under way.
    answers_admin: whether it answers `/api/admin` for the whole platform; of all services, one does.
    model: the voter's name of the model that it runs, if any.
    resources: what its handlers work with, for programs that call them.
    """

    name: str
    routers: Sequence[APIRouter]
    subscribe: Callable[[Bus], None] = nothing
    relays: Sequence[Relay] = ()
    workers: Sequence[Worker] = ()
    tools: Sequence[Closable] = ()
    gauges: Mapping[str, Gauge] = field(default_factory=dict[str, Gauge])
    counters: Mapping[str, Callable[[], int]] = field(default_factory=dict[str, Callable[[], int]])
    before_shutdown: Callable[[], None] = nothing
    answers_admin: bool = False
    model: str | None = None
    resources: object = None


@asynccontextmanager
async def running(parts: Iterable[Part], bus: Bus) -> AsyncGenerator[None]:
    """Run parts on adapters that are open.

    On exit: close the workers, take no more events, finish the handlers that run, publish the outboxes, and close the
    tools.
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
    authenticator: Authenticator | None = None,
    subscribe: Callable[[Bus], None] = nothing,
    needs: Mapping[str, Check] | None = None,
    uses: Mapping[str, Check] | None = None,
) -> Deployable:
    """One process that serves these parts.

    adapters: those of any part, because parts share all but the store.
    opened: opens all adapters, and closes them.
    routers: what the process serves beside its parts.
    subscribe: subscribes what the process hears beside its parts.
    authenticator, needs, uses: as `application` takes them.
    """
    bus, telemetry, clock = adapters.bus, adapters.telemetry, adapters.clock
    clock_gauge.show(clock, telemetry.metrics.registry)
    outboxes = [relay.outbox for part in parts for relay in part.relays]
    gauges = {what: gauge for part in parts for what, gauge in part.gauges.items()}
    watch = Watch(telemetry.metrics, bus, outboxes, clock, gauges)
    model = next((part.model for part in parts if part.model is not None), None)
    counters = {name: count for part in parts for name, count in part.counters.items()}
    names = [part.name for part in parts]
    reporter = Reporter(names, telemetry.metrics, watch, bus, clock, counters=counters, model=model)
    served = [*routers, *(router for part in parts for router in part.routers)]
    replicas = Replicas(clock)
    recorder = series.Recorder(reporter, replicas, clock)
    answers_admin = any(part.answers_admin for part in parts)
    workers: list[Worker] = [FreedMemory(), reporter, *([recorder] if answers_admin else [])]
    if answers_admin:
        served += [
            dead_letters.router(bus, Auditor(clock, bus, is_on=settings.auth == "on")),
            status.router(reporter, replicas),
            services.router(reporter, replicas, clock),
            series.router(recorder),
        ]

    @asynccontextmanager
    async def everything() -> AsyncGenerator[None]:
        observed = ObservedBus(bus, telemetry, clock)
        async with opened(), running(parts, observed):
            subscribe(observed)
            if answers_admin:
                bus.listen(replicas.heard)
            for worker in workers:
                worker.start()
            try:
                yield
            finally:
                for worker in reversed(workers):
                    await worker.close()

    def before_shutdown() -> None:
        for part in parts:
            part.before_shutdown()

    app = application(
        title,
        settings,
        routers=served,
        running=everything,
        telemetry=telemetry,
        authenticator=authenticator,
        watch=watch,
        needs=needs,
        uses=uses,
    )
    return Deployable(app=app, operations=app.operations, limits=settings.wire_limits, before_shutdown=before_shutdown)
