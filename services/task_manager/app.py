"""The task manager as a service of its own: the place that names its adapters."""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial

from services.task_manager import announcements
from services.task_manager.imports.credentials import Vault
from services.task_manager.imports.store.mongo import MongoImports
from services.task_manager.part import assemble
from services.task_manager.settings import TaskManagerSettings
from services.task_manager.storage import refuse_other_storage
from services.task_manager.store.mongo import MongoTaskStore
from shared import page
from shared.clock import Clock
from shared.erasures.mongo import MongoErasures
from shared.http.application import open_when_up
from shared.http.serving import Deployable
from shared.mongo.connection import MongoDatabase
from shared.part import PictureAdapters, deployable
from shared.pictures import DecodingBudget
from shared.quotas.mongo import MongoQuotas
from shared.settings import MONGODB, RABBITMQ, S3
from shared.settings.migrating import Step
from shared.steady_clock import SteadyClock


def create(settings: TaskManagerSettings) -> Deployable:
    """The task manager, ready to be served; nothing is open before it runs."""
    clock = SteadyClock()
    telemetry = settings.telemetry("quorate-task-manager")
    mongo = settings.mongo(telemetry)
    store = _store(mongo.database, clock, is_fused=settings.pipeline_fuse)
    objects = settings.objects(telemetry, cache_bytes=settings.image_cache_bytes)
    bus = settings.bus("task_manager", clock, telemetry)
    callers = settings.callers("task_manager", mongo.database, bus, clock)
    adapters = PictureAdapters(store=store, objects=objects, bus=bus, clock=clock, telemetry=telemetry)

    quotas = MongoQuotas(mongo.database, clock)
    part = assemble(
        adapters,
        settings,
        spool=settings.spool(),
        budget=DecodingBudget(settings.max_decoding_bytes),
        quotas=quotas,
        erasures=MongoErasures(mongo.database["erasures"]),
        imports=MongoImports(mongo.database, clock),
        vault=Vault(settings.s3_secret_key.get_secret_value().encode()),
    )

    @asynccontextmanager
    async def opened() -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(mongo.close)
            await open_when_up(partial(mongo.prepare, store.prepare))
            await mongo.prepare(quotas.prepare)
            await store.count_uncounted()
            await callers.prepare()
            await open_when_up(objects.open)
            stack.push_async_callback(objects.close)
            await bus.open()
            stack.push_async_callback(bus.close)
            yield

    async def refuse_elsewhere() -> None:
        """On connections of its own, for it ends before the platform's loop begins."""
        asking, bucket = settings.mongo(telemetry), settings.objects(telemetry)
        try:
            await open_when_up(bucket.open)
            await open_when_up(partial(refuse_other_storage, asking.database, bucket))
        finally:
            await bucket.close()
            await asking.close()

    served = deployable(
        "Quorate task manager",
        settings,
        [part],
        adapters,
        opened=opened,
        authenticator=callers.authenticator,
        subscribe=callers.subscribe,
        routers=[page.router(storage=settings.s3_public_endpoint or settings.s3_endpoint)],
        needs={MONGODB: mongo.is_ready},
        uses={RABBITMQ: bus.is_ready, S3: objects.is_ready},
    )
    return replace(served, preflight=refuse_elsewhere)


def migrations(database: MongoDatabase) -> Sequence[Step]:
    """What this release brings to the service's database."""
    store = _store(database, time.time)
    return [store.prepare, MongoQuotas(database, time.time).prepare, store.count_uncounted]


def _store(database: MongoDatabase, clock: Clock, *, is_fused: bool = False) -> MongoTaskStore:
    return MongoTaskStore(
        database,
        clock,
        announce_task=announcements.task_changed,
        announce_image=partial(announcements.image_added, is_fused=is_fused),
        announce_change=partial(announcements.image_changed, is_fused=is_fused),
        announce_removed=announcements.image_removed,
    )
