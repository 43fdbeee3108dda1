"""The worker as a process of its own, on RabbitMQ and S3: the place that names its adapters."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from services.worker.part import assemble
from services.worker.settings import WorkerServiceSettings
from shared.http.application import open_when_up
from shared.http.serving import Deployable
from shared.part import PictureAdapters, deployable
from shared.pictures import DecodingBudget
from shared.settings import RABBITMQ, S3
from shared.steady_clock import SteadyClock


def create(settings: WorkerServiceSettings) -> Deployable:
    """The worker, ready to be served; it opens its servers when it starts."""
    clock = SteadyClock()
    telemetry = settings.telemetry("quorate-worker")
    objects = settings.objects(telemetry)
    bus = settings.bus("worker", clock, telemetry)
    adapters = PictureAdapters(store=None, objects=objects, bus=bus, clock=clock, telemetry=telemetry)
    mongo, callers = settings.known("worker", bus, clock, telemetry)

    @asynccontextmanager
    async def opened() -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            if mongo is not None:
                stack.push_async_callback(mongo.close)
                await open_when_up(callers.prepare)
            stack.push_async_callback(objects.close)
            await bus.open()
            stack.push_async_callback(bus.close)
            yield

    return deployable(
        "Quorate worker",
        settings,
        [assemble(adapters, settings, budget=DecodingBudget(settings.max_decoding_bytes))],
        adapters,
        opened=opened,
        authenticator=callers.authenticator,
        subscribe=callers.subscribe,
        uses={RABBITMQ: bus.is_ready, S3: objects.is_ready},
    )
