"""All three services in one process, on SQLite and the filesystem. With each service's `app.py`, the only place that
names adapters."""

import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from fastapi import FastAPI

from embedded import data_dir
from embedded.routes import object_route, staging_route
from embedded.settings import Settings
from services.detector import app as detector_app
from services.detector import consumers as detector_consumers
from services.detector import quota
from services.detector.handlers import Resources as DetectorResources
from services.detector.metrics import PoolMetrics
from services.detector.pool import InferencePool
from services.subtask_manager import announcements as subtask_announcements
from services.subtask_manager import consumers as subtask_consumers
from services.subtask_manager import routes as subtask_routes
from services.subtask_manager.handlers import Resources as SubtaskResources
from services.subtask_manager.metrics import WorkMetrics
from services.subtask_manager.store import sqlite as subtask_sqlite
from services.task_manager import announcements as task_announcements
from services.task_manager import consumers as task_consumers
from services.task_manager import routes as task_routes
from services.task_manager.collector import Collector
from services.task_manager.handlers import Resources as TaskResources
from services.task_manager.ingest import Checker
from services.task_manager.metrics import BatchMetrics
from services.task_manager.progress import Progress
from services.task_manager.store import sqlite as task_sqlite
from shared.admin import dead_letters, status
from shared.bus.sqlite import SqliteBus
from shared.clock import Clock, steady
from shared.http.application import application
from shared.objects.filesystem import FilesystemObjectStore
from shared.outbox import Relay
from shared.pictures import DecodingBudget
from shared.sqlite import Database
from shared.telemetry import Telemetry
from shared.telemetry.observed_bus import ObservedBus
from shared.telemetry.watch import Watch

CHECK_THREADS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Everything that runs, wired; nothing is open before `running`."""

    settings: Settings
    tasks_file: Database
    task_store: task_sqlite.SqliteTaskStore
    subtasks_file: Database
    bus: SqliteBus
    objects: FilesystemObjectStore
    task_relay: Relay
    subtask_relay: Relay
    collector: Collector
    tasks: TaskResources
    subtasks: SubtaskResources
    pool: InferencePool | None
    detector: DetectorResources | None
    telemetry: Telemetry
    clock: Clock

    @property
    def watch(self) -> Watch:
        """Looks at what waits."""
        outboxes = [self.task_store, self.subtasks.store]
        leased = partial(self.subtasks.metrics.look, self.subtasks.store)
        return Watch(self.telemetry.metrics, self.bus, outboxes, self.clock, gauges=[leased])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open everything; on the way out take no more work, finish what runs, publish what it led to, and close."""
        async with AsyncExitStack() as stack:
            for database in (self.tasks_file, self.subtasks_file):
                database.open()
                stack.push_async_callback(database.close)
            await self.task_store.forget_uploads()
            await self.objects.open()
            stack.push_async_callback(self.objects.close)
            await self.bus.open()
            stack.push_async_callback(self.bus.close)
            if self.pool is not None:
                stack.push_async_callback(self.pool.close)
            for relay in (self.task_relay, self.subtask_relay):
                relay.start()
                stack.push_async_callback(relay.close)
            stack.push_async_callback(self.bus.drain)
            observed = ObservedBus(self.bus, self.telemetry, self.clock)
            task_consumers.subscribe(self.tasks, observed)
            subtask_consumers.subscribe(self.subtasks, observed)
            if self.detector is not None:
                detector_consumers.subscribe(self.detector, observed)
            self.collector.start()
            stack.push_async_callback(self.collector.close)
            yield


def build(settings: Settings, *, secret: bytes, clock: Clock) -> Platform:
    """Wire the platform."""
    root = settings.data_dir
    spool = root / "spool"
    spool.mkdir(parents=True, exist_ok=True)
    objects = FilesystemObjectStore(
        root, secret, url_lifetime_s=settings.image_url_s, cache_bytes=settings.image_cache_bytes
    )
    bus = SqliteBus(root / "bus.sqlite", clock, delivery_limit=settings.delivery_limit)
    tasks_file = Database(root / "tasks.sqlite", task_sqlite.SCHEMA)
    subtasks_file = Database(root / "subtasks.sqlite", subtask_sqlite.SCHEMA)
    task_store = task_sqlite.SqliteTaskStore(
        tasks_file,
        clock,
        announce_task=task_announcements.task_changed,
        announce_image=task_announcements.image_ready,
    )
    subtask_store = subtask_sqlite.SqliteSubtaskStore(subtasks_file, clock, subtask_announcements.announce)
    task_relay, subtask_relay = Relay(task_store, bus), Relay(subtask_store, bus)
    collector = Collector(task_store, objects, clock, relay_wake=task_relay.wake)
    budget = DecodingBudget(settings.max_decoding_bytes)
    pool = detector_app.load_pool(settings, budget, cores=quota.cores() / 2)  # the other half is for everything else
    telemetry = settings.telemetry("quorate")
    if pool is not None:
        PoolMetrics(pool, telemetry.metrics.registry)
    threads = ThreadPoolExecutor(CHECK_THREADS, thread_name_prefix="check")
    return Platform(
        settings=settings,
        tasks_file=tasks_file,
        task_store=task_store,
        subtasks_file=subtasks_file,
        bus=bus,
        objects=objects,
        task_relay=task_relay,
        subtask_relay=subtask_relay,
        collector=collector,
        tasks=TaskResources(
            store=task_store,
            objects=objects,
            relay=task_relay,
            checker=Checker(threads, settings.picture_limits, budget),
            clock=clock,
            spool=spool,
            archives=settings.archive_limits,
            max_uploads=settings.max_uploads,
            erase_soon=collector.wake,
            progress=Progress(task_store),
            metrics=BatchMetrics(telemetry.metrics.registry),
        ),
        subtasks=SubtaskResources(
            store=subtask_store,
            objects=objects,
            relay=subtask_relay,
            clock=clock,
            lease_s=settings.lease_s,
            metrics=WorkMetrics(telemetry.metrics.registry),
        ),
        pool=pool,
        detector=None if pool is None else DetectorResources(pool=pool, objects=objects, bus=bus, clock=clock),
        telemetry=telemetry,
        clock=clock,
    )


def create_app(settings: Settings, *, clock: Clock | None = None) -> FastAPI:
    """The platform as an ASGI app. Raises ModelUnusable where the settings name a model that cannot be used."""
    clock = clock or steady(time.time)
    platform = build(settings, secret=data_dir.secret(settings.data_dir), clock=clock)
    watch = platform.watch

    app = application(
        "Quorate",
        settings,
        routers=[
            subtask_routes.router(platform.subtasks),
            subtask_routes.old_router(platform.subtasks),
            task_routes.upload_router(platform.tasks),
            task_routes.router(platform.tasks),
            *detector_app.routers(platform.pool, settings),
            dead_letters.router(platform.bus),
            status.router(platform.telemetry.metrics, watch),
        ],
        running=platform.running,
        telemetry=platform.telemetry,
        watch=watch,
    )
    app.state.platform = platform
    spool = platform.tasks.spool
    app.router.routes[:0] = [object_route(platform.objects, clock), staging_route(platform.objects, clock, spool)]
    return app
