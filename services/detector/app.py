"""The detector as a service of its own, and its parts for the embedded platform: the only place that loads models."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import APIRouter, FastAPI, Response

from services.detector import quota, routes
from services.detector.engine import Engine
from services.detector.models import resolve
from services.detector.models.cache import default_cache
from services.detector.pool import InferencePool
from services.detector.settings import DetectorSettings
from shared import problems
from shared.answers import json_answer
from shared.edge import Edge
from shared.pictures import decode_bgr


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


def load_pool(settings: DetectorSettings, *, cores: float) -> InferencePool | None:
    """The pool of those engines; None without a model. Raises ModelUnusable."""
    engines = load_engines(settings, cores=cores)
    if not engines:
        return None
    decode = partial(decode_bgr, limits=settings.picture_limits)
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
    pool = load_pool(settings, cores=quota.cores())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        if pool is not None:
            await pool.close()

    app = FastAPI(
        title="Quorate detector",
        version="0.1.0",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(Edge, allowed_hosts=settings.hosts)
    problems.install(app)
    app.state.pool = pool
    for one in (*routers(pool, settings), _health()):
        app.include_router(one)
    return app


def _health() -> APIRouter:
    """The process answers only once its model is warm, so it is ready when it lives."""
    health = APIRouter(tags=["health"])

    @health.get("/healthz")
    @health.get("/readyz")
    async def healthy() -> Response:
        return json_answer({"status": "ok"})

    return health
