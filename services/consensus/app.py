"""The consensus service as a process of its own, on MongoDB and RabbitMQ: the place that names its adapters."""

import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from services.consensus.part import assemble
from services.consensus.settings import ConsensusServiceSettings
from services.consensus.store.mongo import MongoConsensusStore
from shared.clock import steady
from shared.erasures.mongo import MongoErasures
from shared.http.application import open_when_up
from shared.http.serving import Deployable
from shared.part import Adapters, deployable


def create(settings: ConsensusServiceSettings) -> Deployable:
    """The consensus service, ready to be served; it opens its servers when it starts."""
    clock = steady(time.time)
    mongo = settings.mongo()
    store = MongoConsensusStore(mongo.database, clock)
    bus = settings.bus("consensus", clock)
    callers = settings.callers("consensus", mongo.database, bus, clock)
    telemetry = settings.telemetry("quorate-consensus")
    adapters = Adapters(store=store, bus=bus, clock=clock, telemetry=telemetry)

    @asynccontextmanager
    async def opened() -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(mongo.close)
            await open_when_up(store.prepare)
            await callers.prepare()
            await bus.open()
            stack.push_async_callback(bus.close)
            yield

    return deployable(
        "Quorate consensus",
        settings,
        [assemble(adapters, settings, erasures=MongoErasures(mongo.database["erasures"]))],
        adapters,
        opened=opened,
        authenticator=callers.authenticator,
        subscribe=callers.subscribe,
        needs={"MongoDB": mongo.is_ready},
        uses={"RabbitMQ": bus.is_ready},
    )
