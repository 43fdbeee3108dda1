"""The detector, assembled: the only place that loads models."""

from dataclasses import replace
from functools import partial

from services.detector import consumers, quota, routes
from services.detector.engine import Engine
from services.detector.handlers import Resources
from services.detector.metrics import PoolMetrics
from services.detector.models import resolve
from services.detector.models.cache import default_cache
from services.detector.pool import InferencePool
from services.detector.settings import DetectorSettings
from shared.models import ModelLoaded, ModelTeller
from shared.part import Part, PictureAdapters
from shared.pictures import DecodingBudget, decode_bgr
from shared.telemetry import Telemetry


def load_engines(settings: DetectorSettings, *, cores: float) -> list[Engine]:
    """Engines of the model that the settings name, warmed up; none where they name none.

    cores: how many there are to work with; as many engines, unless the settings say otherwise, and one where they name
    another device to compute with, which would hold each copy of the model.
    Raises ModelUnusable.
    """
    if settings.model is None:
        return []
    import cv2  # noqa: PLC0415 - only where there is a model

    from services.detector.engine.loading import load  # noqa: PLC0415

    cv2.setNumThreads(1)  # each inference thread keeps to one core
    cache = default_cache() if settings.model_dir is None else settings.model_dir.expanduser()
    files = resolve(str(settings.model), cache=cache)
    number = settings.detector_threads or (1 if settings.providers else quota.threads(cores))
    return [load(files, threads=1, providers=settings.providers) for _ in range(number)]


def load_pool(settings: DetectorSettings, budget: DecodingBudget, *, cores: float) -> InferencePool | None:
    """The pool of those engines, whose decoding keeps to the budget; None without a model. Raises ModelUnusable.

    It takes files as large as those that are stored; how large one may be that a caller sends, the router says.
    """
    engines = load_engines(settings, cores=cores)
    if not engines:
        return None
    decode = partial(decode_bgr, limits=settings.picture_limits.of_stored, budget=budget)
    return InferencePool(
        engines, decode, max_waiting=settings.detector_max_waiting, longest_s=settings.detector_picture_s
    )


def assemble_api(pool: InferencePool | None, settings: DetectorSettings, telemetry: Telemetry) -> Part:
    """The detection API alone, which needs neither bus nor storage; without a model it says so to every request."""
    if pool is not None:
        PoolMetrics(pool, telemetry.metrics.registry)
    router = routes.router(pool, max_picture_bytes=settings.max_image_bytes)
    return Part(name="detector", routers=[router], tools=[] if pool is None else [pool], resources=pool)


def assemble(adapters: PictureAdapters[None], settings: DetectorSettings, *, pool: InferencePool | None) -> Part:
    """The detection API and, where there is a model, the pre-labeler; they share one pool."""
    part = assemble_api(pool, settings, adapters.telemetry)
    if pool is None:
        return replace(part, subscribe=partial(consumers.subscribe_without_model, clock=adapters.clock))
    resources = Resources(
        pool=pool, limits=settings.picture_limits, objects=adapters.objects, bus=adapters.bus, clock=adapters.clock
    )
    teller = ModelTeller(ModelLoaded(model=pool.model.voter, classes=pool.model.classes), adapters.bus)
    return replace(part, subscribe=partial(consumers.subscribe, resources), workers=[teller], model=pool.model.voter)
