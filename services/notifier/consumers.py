"""Which event goes to which handler of the notifier."""

from functools import partial

from services.notifier import handlers
from services.notifier.handlers import Resources
from services.notifier.payload import TOLD_AS
from shared.bus import Bus

PREFETCH = 64


def subscribe(resources: Resources, bus: Bus) -> None:
    """Deliver the events that webhooks may ask for."""
    for kind in TOLD_AS:
        bus.consume(f"notifier.{kind}", partial(handlers.deliver, resources), prefetch=PREFETCH)
