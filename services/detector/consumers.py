"""Which event goes to which handler of the detector."""

from functools import partial

from services.detector import handlers, hider
from services.detector.handlers import Resources
from shared.bus import Bus
from shared.clock import Clock

HIDE = "detector.step.opened.hide.v1"
PICTURES_TO_HIDE = 2
"""Whole pictures are held, and worked on beside the engines."""

PICTURES_PER_ENGINE = 8
"""Enough for the time between two writes of the bus (25 ms and a durable write), few enough for memory."""


def subscribe(resources: Resources, bus: Bus) -> None:
    """Subscribe the detector's handlers to their events, with no more messages at a time than it can handle soon."""
    prefetch = PICTURES_PER_ENGINE * resources.pool.threads
    bus.consume("detector.subtask.opened.v2", partial(handlers.look, resources), prefetch=prefetch)
    bus.consume("detector.subtask.opened.v1", partial(handlers.prelabel, resources), prefetch=prefetch)
    bus.consume(HIDE, partial(hider.hide, resources), prefetch=PICTURES_TO_HIDE)
    bus.consume("detector.task.cancelled.v1", partial(handlers.forget_task, resources), prefetch=1)


def subscribe_without_model(bus: Bus, clock: Clock) -> None:
    """Answer those who wait for what a model is needed for."""
    bus.consume(HIDE, partial(hider.refuse, bus, clock), prefetch=PICTURES_TO_HIDE)
