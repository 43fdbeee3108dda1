"""The task manager as a service of its own: the place that names its adapters."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from services.task_manager import announcements
from services.task_manager.part import assemble
from services.task_manager.settings import TaskManagerSettings
from services.task_manager.store.mongo import MongoTaskStore
from shared import page
from shared.erasures.mongo import MongoErasures
from shared.http.application import open_when_up
from shared.http.serving import Deployable
from shared.part import PictureAdapters, deployable
from shared.pictures import DecodingBudget
from shared.quotas.mongo import MongoQuotas
from shared.steady_clock import SteadyClock


def create(settings: TaskManagerSettings) -> Deployable:
    """The task manager, ready to be served; nothing is open before it runs."""
    clock = SteadyClock()
    mongo = settings.mongo()
    store = MongoTaskStore(
        mongo.database,
        clock,
        announce_task=announcements.task_changed,
        announce_image=announcements.image_ready,
        announce_removed=announcements.image_removed,
    )
    objects = settings.objects(cache_bytes=settings.image_cache_bytes)
    bus = settings.bus("task_manager", clock)
    callers = settings.callers("task_manager", mongo.database, bus, clock)
    telemetry = settings.telemetry("quorate-task-manager")
    adapters = PictureAdapters(store=store, objects=objects, bus=bus, clock=clock, telemetry=telemetry)

    quotas = MongoQuotas(mongo.database, clock)
    part = assemble(
        adapters,
        settings,
        spool=settings.spool(),
        budget=DecodingBudget(settings.max_decoding_bytes),
        quotas=quotas,
        erasures=MongoErasures(mongo.database["erasures"]),
    )

    @asynccontextmanager
    async def opened() -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(mongo.close)
            await open_when_up(store.prepare)
            await quotas.prepare()
            await callers.prepare()
            await open_when_up(objects.open)
            stack.push_async_callback(objects.close)
            await bus.open()
            stack.push_async_callback(bus.close)
            yield

    return deployable(
        "Quorate task manager",
        settings,
        [part],
        adapters,
        opened=opened,
        authenticator=callers.authenticator,
        subscribe=callers.subscribe,
        routers=[page.router(storage=settings.s3_public_endpoint or settings.s3_endpoint)],
        needs={"MongoDB": mongo.is_ready},
        uses={"RabbitMQ": bus.is_ready, "S3": objects.is_ready},
    )
