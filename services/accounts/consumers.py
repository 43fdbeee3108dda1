"""Which event goes to which handler of the accounts service."""

from functools import partial

from services.accounts import erasing, handlers
from services.accounts.handlers import Resources
from shared.bus import Bus

PREFETCH = 64
NOTED = ("accounts.audit.noted.v1",)
"""The queue of what was done, in all services."""


def subscribe(resources: Resources, bus: Bus) -> None:
    """Deliver the events that the accounts service listens to."""
    bus.consume(NOTED[0], partial(handlers.keep_entry, resources), prefetch=PREFETCH)
    bus.consume("accounts.person.pseudonymised.v1", partial(erasing.note_done, resources.store), prefetch=1)
    bus.consume("accounts.key.used.v1", partial(handlers.note_use, resources), prefetch=PREFETCH)
