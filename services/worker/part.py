"""The worker, assembled."""

from functools import partial

import cv2

from services.worker import consumers, routes
from services.worker.handlers import Resources
from services.worker.metrics import StepMetrics
from services.worker.preview import Previews
from services.worker.settings import WorkerSettings
from services.worker.threads import PictureThreads
from shared.part import Part, PictureAdapters
from shared.pictures import DecodingBudget


def assemble(adapters: PictureAdapters[None], settings: WorkerSettings, *, budget: DecodingBudget) -> Part:
    """`budget`: what the process may hold of pictures being decoded."""
    cv2.setNumThreads(1)  # one picture to a core: what scales is how many workers there are
    threads, previewing = PictureThreads(1, "steps"), PictureThreads(1, "previews")
    previews = Previews(previewing, settings.picture_limits, budget)
    resources = Resources(
        objects=adapters.objects,
        bus=adapters.bus,
        clock=adapters.clock,
        threads=threads,
        limits=settings.picture_limits.of_stored,
        budget=budget,
        previews=previews,
        metrics=StepMetrics(adapters.telemetry.metrics.registry),
    )
    return Part(
        name="worker",
        routers=[routes.router(previews, max_picture_bytes=settings.max_image_bytes)],
        subscribe=partial(consumers.subscribe, resources, settings.kinds),
        tools=[threads, previewing],
        resources=resources,
    )
