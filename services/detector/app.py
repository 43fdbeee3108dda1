"""The detector as a process of its own, with or without RabbitMQ and S3."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from services.detector import quota
from services.detector.part import assemble, assemble_api, load_pool
from services.detector.pool import InferencePool
from services.detector.settings import DetectorSettings, PrelabelerSettings
from shared.errors import QuorateError
from shared.http.application import application, open_when_up
from shared.http.serving import Deployable
from shared.part import PictureAdapters, deployable
from shared.pictures import DecodingBudget
from shared.settings import RABBITMQ
from shared.steady_clock import SteadyClock

TITLE = "Quorate detector"
SERVICE = "quorate-detector"


class NoModel(QuorateError):
    """The settings name no model."""


def create(settings: DetectorSettings) -> Deployable:
    """The detector, its model loaded and warmed up; with a broker, it pre-labels too. Raises ModelUnusable."""
    pool = load(settings)
    return create_prelabeler(settings, pool) if isinstance(settings, PrelabelerSettings) else create_api(settings, pool)


def load(settings: DetectorSettings) -> InferencePool:
    """The pool that the settings name. Raises ModelUnusable and NoModel."""
    pool = load_pool(settings, DecodingBudget(settings.max_decoding_bytes), cores=quota.cores())
    if pool is None:
        raise NoModel("set QUORATE_MODEL to a name of `quorate models list`, or to a path of a .cfg or an .onnx")
    return pool


def create_api(settings: DetectorSettings, pool: InferencePool) -> Deployable:
    """The detection API alone, without any server."""
    telemetry = settings.telemetry(SERVICE)
    part = assemble_api(pool, settings, telemetry)

    @asynccontextmanager
    async def running() -> AsyncGenerator[None]:
        yield
        await pool.close()

    app = application(TITLE, settings, routers=part.routers, running=running, telemetry=telemetry)
    return Deployable(app=app, operations=app.operations)


def create_prelabeler(settings: PrelabelerSettings, pool: InferencePool) -> Deployable:
    """The detection API and the pre-labeler."""
    clock = SteadyClock()
    telemetry = settings.telemetry(SERVICE)
    objects = settings.objects(telemetry)
    bus = settings.bus("detector", clock, telemetry)
    adapters = PictureAdapters(store=None, objects=objects, bus=bus, clock=clock, telemetry=telemetry)

    mongo, callers = settings.known("detector", bus, clock, telemetry)

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

    part = assemble(adapters, settings, pool=pool)
    return deployable(
        TITLE,
        settings,
        [part],
        adapters,
        opened=opened,
        authenticator=callers.authenticator,
        subscribe=callers.subscribe,
        uses={RABBITMQ: bus.is_ready},
    )
