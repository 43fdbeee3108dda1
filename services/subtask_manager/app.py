"""The subtask manager as a process of its own, on MongoDB, RabbitMQ and S3."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from services.subtask_manager import announcements, republishing
from services.subtask_manager.part import assemble
from services.subtask_manager.preferences.mongo import MongoPreferences
from services.subtask_manager.settings import SubtaskManagerSettings
from services.subtask_manager.store.mongo import MongoSubtaskStore
from shared.erasures.mongo import MongoErasures
from shared.events import Message
from shared.http.application import open_when_up
from shared.http.serving import Deployable
from shared.mongo.connection import MongoDatabase
from shared.part import PictureAdapters, deployable
from shared.quotas.mongo import MongoQuotas
from shared.settings import MONGODB, RABBITMQ
from shared.settings.migrating import Step
from shared.steady_clock import SteadyClock


def create(settings: SubtaskManagerSettings) -> Deployable:
    """The subtask manager, ready to be served; it opens its servers when it starts."""
    clock = SteadyClock()
    telemetry = settings.telemetry("quorate-subtask-manager")
    mongo = settings.mongo(telemetry)
    store = MongoSubtaskStore(mongo.database, clock, announcements.announce)
    preferences = MongoPreferences(mongo.database["preferences"])
    objects = settings.objects(telemetry)
    bus = settings.bus("subtask_manager", clock, telemetry)
    callers = settings.callers("subtask_manager", mongo.database, bus, clock)
    adapters = PictureAdapters(store=store, objects=objects, bus=bus, clock=clock, telemetry=telemetry)

    quotas = MongoQuotas(mongo.database, clock)

    @asynccontextmanager
    async def opened() -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(mongo.close)
            await open_when_up(partial(mongo.prepare, store.prepare))
            await mongo.prepare(quotas.prepare)
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
        needs={MONGODB: mongo.is_ready},
        uses={RABBITMQ: bus.is_ready},
    )


def told_anew(database: MongoDatabase) -> AsyncIterator[Sequence[Message]]:
    """What others must have heard of the service's subtasks by now."""
    store = MongoSubtaskStore(database, time.time, announcements.announce)
    return republishing.told_anew(store, time.time)


def migrations(database: MongoDatabase) -> Sequence[Step]:
    """What this release brings to the service's database."""
    store = MongoSubtaskStore(database, time.time, announcements.announce)
    return [store.prepare, MongoQuotas(database, time.time).prepare]
