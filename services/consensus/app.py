"""The consensus service as a process of its own, on MongoDB and RabbitMQ: the place that names its adapters."""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from services.consensus.part import assemble
from services.consensus.settings import ConsensusServiceSettings
from services.consensus.sparing import Sparing
from services.consensus.store.mongo import MongoConsensusStore
from shared.erasures.mongo import MongoErasures
from shared.http.application import open_when_up
from shared.http.serving import Deployable
from shared.mongo.connection import MongoDatabase
from shared.part import Adapters, deployable
from shared.settings import MONGODB, RABBITMQ
from shared.settings.migrating import Step
from shared.steady_clock import SteadyClock


def create(settings: ConsensusServiceSettings) -> Deployable:
    """The consensus service, ready to be served; it opens its servers when it starts."""
    clock = SteadyClock()
    telemetry = settings.telemetry("quorate-consensus")
    mongo = settings.mongo(telemetry)
    store = MongoConsensusStore(mongo.database, clock)
    bus = settings.bus("consensus", clock, telemetry)
    callers = settings.callers("consensus", mongo.database, bus, clock)
    adapters = Adapters(store=store, bus=bus, clock=clock, telemetry=telemetry)

    @asynccontextmanager
    async def opened() -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(mongo.close)
            await open_when_up(partial(mongo.prepare, store.prepare))
            await callers.prepare()
            await bus.open()
            stack.push_async_callback(bus.close)
            yield

    return deployable(
        "Quorate consensus",
        settings,
        [assemble(adapters, settings, erasures=MongoErasures(mongo.database["erasures"]), sparing=Sparing(rest=0.0))],
        adapters,
        opened=opened,
        authenticator=callers.authenticator,
        subscribe=callers.subscribe,
        needs={MONGODB: mongo.is_ready},
        uses={RABBITMQ: bus.is_ready},
    )


def migrations(database: MongoDatabase) -> Sequence[Step]:
    """What this release brings to the service's database."""
    return [MongoConsensusStore(database, time.time).prepare]
