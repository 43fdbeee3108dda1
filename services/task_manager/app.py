"""The task manager as a service of its own: the place that names its adapters."""

import time
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from services.task_manager import announcements, consumers, routes
from services.task_manager.collector import Collector
from services.task_manager.handlers import Resources
from services.task_manager.ingest import Checker
from services.task_manager.metrics import BatchMetrics
from services.task_manager.progress import Progress
from services.task_manager.settings import TaskManagerSettings
from services.task_manager.store.mongo import MongoTaskStore
from shared.admin import dead_letters, status
from shared.clock import steady
from shared.http.application import application, open_when_up
from shared.mongo import connect
from shared.outbox import Relay
from shared.pictures import DecodingBudget
from shared.telemetry.observed_bus import ObservedBus
from shared.telemetry.watch import Watch

CHECK_THREADS = 2


def create_app(settings: TaskManagerSettings) -> FastAPI:
    """The task manager as an ASGI app; nothing is open before it runs."""
    clock = steady(time.time)
    client = connect(settings.mongo_url.get_secret_value())
    store = MongoTaskStore(
        client[settings.mongo_database],
        clock,
        announce_task=announcements.task_changed,
        announce_image=announcements.image_ready,
    )
    objects = settings.objects()
    bus = settings.bus("task_manager", clock)
    relay = Relay(store, bus)
    telemetry = settings.telemetry("quorate-task-manager")
    watch = Watch(telemetry.metrics, bus, [store], clock)
    collector = Collector(store, objects, clock, relay_wake=relay.wake)
    threads = ThreadPoolExecutor(CHECK_THREADS, thread_name_prefix="check")
    resources = Resources(
        store=store,
        objects=objects,
        relay=relay,
        checker=Checker(threads, settings.picture_limits, DecodingBudget(settings.max_decoding_bytes)),
        clock=clock,
        spool=settings.spool(),
        archives=settings.archive_limits,
        max_uploads=settings.max_uploads,
        erase_soon=collector.wake,
        progress=Progress(store),
        metrics=BatchMetrics(telemetry.metrics.registry),
    )

    @asynccontextmanager
    async def running() -> AsyncGenerator[None]:
        """On the way out: take no more events, finish those at hand, publish what they led to, close."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(client.close)
            await open_when_up(store.prepare)
            await open_when_up(objects.open)
            stack.push_async_callback(objects.close)
            await bus.open()
            stack.push_async_callback(bus.close)
            relay.start()
            stack.push_async_callback(relay.close)
            consumers.subscribe(resources, ObservedBus(bus, telemetry, clock))
            stack.push_async_callback(bus.drain)
            collector.start()
            stack.push_async_callback(collector.close)
            yield

    app = application(
        "Quorate task manager",
        settings,
        routers=[
            routes.upload_router(resources),
            routes.router(resources),
            dead_letters.router(bus),
            status.router(telemetry.metrics, watch),
        ],
        running=running,
        telemetry=telemetry,
        watch=watch,
        needs={"MongoDB": store.is_ready},
        uses={"RabbitMQ": bus.is_ready, "S3": objects.is_ready},
    )
    app.state.progress = resources.progress
    return app
