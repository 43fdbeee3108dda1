"""The detector as a service of its own, and its parts for the embedded platform: the only place that loads models."""

import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from fastapi import APIRouter, FastAPI

from services.detector import consumers, quota, routes
from services.detector.engine import Engine
from services.detector.handlers import Resources
from services.detector.metrics import PoolMetrics
from services.detector.models import resolve
from services.detector.models.cache import default_cache
from services.detector.pool import InferencePool
from services.detector.settings import DetectorSettings, PrelabelerSettings
from shared.clock import steady
from shared.errors import QuorateError
from shared.http.application import application
from shared.pictures import DecodingBudget, decode_bgr
from shared.telemetry import Telemetry
from shared.telemetry.observed_bus import ObservedBus
from shared.telemetry.watch import Watch


class NoModel(QuorateError):
    """A detector that was told to detect with nothing."""


def load_engines(settings: DetectorSettings, *, cores: float) -> list[Engine]:
    """Engines of the model that the settings name, warmed up; none where they name none.

    cores: how many there are to work with; as many engines, unless the settings say otherwise.
    Raises ModelUnusable.
    """
    if settings.model is None:
        return []
    import cv2  # noqa: PLC0415 - only where there is a model

    from services.detector.engine.loading import load  # noqa: PLC0415

    cv2.setNumThreads(1)  # each inference thread keeps to one core
    cache = default_cache() if settings.model_dir is None else settings.model_dir.expanduser()
    files = resolve(str(settings.model), cache=cache)
    return [load(files, threads=1) for _ in range(settings.detector_threads or quota.threads(cores))]


def load_pool(settings: DetectorSettings, budget: DecodingBudget, *, cores: float) -> InferencePool | None:
    """The pool of those engines, whose decoding keeps to the budget; None without a model. Raises ModelUnusable."""
    engines = load_engines(settings, cores=cores)
    if not engines:
        return None
    decode = partial(decode_bgr, limits=settings.picture_limits, budget=budget)
    return InferencePool(engines, decode, max_waiting=settings.detector_max_waiting)


def routers(pool: InferencePool | None, settings: DetectorSettings) -> tuple[APIRouter, ...]:
    """What the detector serves."""
    return (
        routes.router(
            pool,
            max_picture_bytes=settings.max_image_bytes,
            max_held_bytes=settings.detector_max_body_bytes,
        ),
    )


def create_app(settings: DetectorSettings) -> FastAPI:
    """The detection API as an ASGI app, its model loaded and warmed up. Raises ModelUnusable."""
    pool = _loaded(settings)

    @asynccontextmanager
    async def running() -> AsyncGenerator[None]:
        yield
        await pool.close()

    app = application(
        "Quorate detector",
        settings,
        routers=routers(pool, settings),
        running=running,
        telemetry=_telemetry(pool, settings),
    )
    app.state.pool = pool
    return app


def create_prelabeler(settings: PrelabelerSettings) -> FastAPI:
    """The detection API and the pre-labeler, which share one pool. Raises ModelUnusable."""
    clock = steady(time.time)
    pool = _loaded(settings)
    objects = settings.objects()
    bus = settings.bus("detector", clock)
    telemetry = _telemetry(pool, settings)

    @asynccontextmanager
    async def running() -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(objects.close)
            await bus.open()
            stack.push_async_callback(bus.close)
            stack.push_async_callback(pool.close)
            resources = Resources(pool=pool, objects=objects, bus=bus, clock=clock)
            consumers.subscribe(resources, ObservedBus(bus, telemetry, clock))
            stack.push_async_callback(bus.drain)
            yield

    return application(
        "Quorate detector",
        settings,
        routers=routers(pool, settings),
        running=running,
        telemetry=telemetry,
        watch=Watch(telemetry.metrics, bus, [], clock),
        uses={"RabbitMQ": bus.is_ready},
    )


def _telemetry(pool: InferencePool, settings: DetectorSettings) -> Telemetry:
    telemetry = settings.telemetry("quorate-detector")
    PoolMetrics(pool, telemetry.metrics.registry)
    return telemetry


def _loaded(settings: DetectorSettings) -> InferencePool:
    pool = load_pool(settings, DecodingBudget(settings.max_decoding_bytes), cores=quota.cores())
    if pool is None:
        raise NoModel("set QUORATE_MODEL to a name of `quorate models list`, or to a path of a .cfg or an .onnx")
    return pool
