"""The subtask manager as a service of its own: the place that names its adapters."""

import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from fastapi import FastAPI

from services.subtask_manager import announcements, consumers, routes
from services.subtask_manager.handlers import Resources
from services.subtask_manager.metrics import WorkMetrics
from services.subtask_manager.settings import SubtaskManagerSettings
from services.subtask_manager.store.mongo import MongoSubtaskStore
from shared.clock import steady
from shared.http.application import application, open_when_up
from shared.mongo import connect
from shared.outbox import Relay
from shared.telemetry.observed_bus import ObservedBus
from shared.telemetry.watch import Watch


def create_app(settings: SubtaskManagerSettings) -> FastAPI:
    """The subtask manager as an ASGI app; nothing is open before it runs."""
    clock = steady(time.time)
    client = connect(settings.mongo_url.get_secret_value())
    store = MongoSubtaskStore(client[settings.mongo_database], clock, announcements.announce)
    objects = settings.objects()
    bus = settings.bus("subtask_manager", clock)
    relay = Relay(store, bus)
    telemetry = settings.telemetry("quorate-subtask-manager")
    metrics = WorkMetrics(telemetry.metrics.registry)
    resources = Resources(
        store=store,
        objects=objects,
        relay=relay,
        clock=clock,
        lease_s=settings.lease_s,
        metrics=metrics,
    )

    @asynccontextmanager
    async def running() -> AsyncGenerator[None]:
        """On the way out: take no more events, finish those at hand, publish what they led to, close."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(client.close)
            await open_when_up(store.prepare)
            stack.push_async_callback(store.settle)
            stack.push_async_callback(objects.close)
            await bus.open()
            stack.push_async_callback(bus.close)
            relay.start()
            stack.push_async_callback(relay.close)
            consumers.subscribe(resources, ObservedBus(bus, telemetry, clock))
            stack.push_async_callback(bus.drain)
            yield

    return application(
        "Quorate subtask manager",
        settings,
        routers=[routes.router(resources), routes.old_router(resources)],
        running=running,
        telemetry=telemetry,
        watch=Watch(telemetry.metrics, bus, [store], clock, gauges=[partial(metrics.look, store)]),
        needs={"MongoDB": store.is_ready},
        uses={"RabbitMQ": bus.is_ready},
    )
