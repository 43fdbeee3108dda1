"""The subtask manager as a process of its own, on MongoDB, RabbitMQ and S3."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from services.subtask_manager import announcements
from services.subtask_manager.part import assemble
from services.subtask_manager.preferences.mongo import MongoPreferences
from services.subtask_manager.settings import SubtaskManagerSettings
from services.subtask_manager.store.mongo import MongoSubtaskStore
from shared.erasures.mongo import MongoErasures
from shared.http.application import open_when_up
from shared.http.serving import Deployable
from shared.part import PictureAdapters, deployable
from shared.quotas.mongo import MongoQuotas
from shared.steady_clock import SteadyClock


def create(settings: SubtaskManagerSettings) -> Deployable:
    """The subtask manager, ready to be served; it opens its servers when it starts."""
    clock = SteadyClock()
    mongo = settings.mongo()
    store = MongoSubtaskStore(mongo.database, clock, announcements.announce)
    preferences = MongoPreferences(mongo.database["preferences"])
    objects = settings.objects()
    bus = settings.bus("subtask_manager", clock)
    callers = settings.callers("subtask_manager", mongo.database, bus, clock)
    telemetry = settings.telemetry("quorate-subtask-manager")
    adapters = PictureAdapters(store=store, objects=objects, bus=bus, clock=clock, telemetry=telemetry)

    quotas = MongoQuotas(mongo.database, clock)

    @asynccontextmanager
    async def opened() -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(mongo.close)
            await open_when_up(store.prepare)
            if (latest := await store.latest_lease()) is not None:
                clock.go_on_from(latest - settings.lease_s)
            await quotas.prepare()
            await callers.prepare()
            stack.push_async_callback(store.settle)
            stack.push_async_callback(objects.close)
            await bus.open()
            stack.push_async_callback(bus.close)
            yield

    return deployable(
        "Quorate subtask manager",
        settings,
        [
            assemble(
                adapters,
                settings,
                preferences=preferences,
                quotas=quotas,
                erasures=MongoErasures(mongo.database["erasures"]),
            )
        ],
        adapters,
        opened=opened,
        authenticator=callers.authenticator,
        subscribe=callers.subscribe,
        needs={"MongoDB": mongo.is_ready},
        uses={"RabbitMQ": bus.is_ready},
    )
