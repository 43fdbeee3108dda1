"""A bus with metrics and spans."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial

from shared.bus import Bus, Handler
from shared.clock import Clock
from shared.errors import StorageFull, Unavailable
from shared.events import Event
from shared.telemetry import Telemetry


class ObservedBus:
    """A bus whose handlers are counted, timed and traced."""

    def __init__(self, bus: Bus, telemetry: Telemetry, clock: Clock) -> None:
        self._bus = bus
        self._telemetry = telemetry
        self._clock = clock
        self.publish = bus.publish
        self.dead_counts = bus.dead_counts
        self.dead_letters = bus.dead_letters
        self.dead_letter = bus.dead_letter
        self.discard = bus.discard
        self.replay = bus.replay
        self.depths = bus.depths
        self.oldest = bus.oldest
        self.settle = bus.settle
        self.broadcast = bus.broadcast
        self.listen = bus.listen
        self.drain = bus.drain
        self.close = bus.close

    def consume(self, queue: str, handler: Handler, *, prefetch: int) -> None:
        self._bus.consume(queue, partial(self._handle, queue, handler), prefetch=prefetch)

    async def _handle(self, queue: str, handler: Handler, event: Event) -> None:
        with self._observed(queue, event):
            await handler(event)

    @contextmanager
    def _observed(self, queue: str, event: Event) -> Generator[None]:
        began, outcome = time.perf_counter(), "failed"
        age_s = self._clock() - event.time.timestamp()
        try:
            with self._telemetry.tracing.span(queue, "CONSUMER", parent=event.traceparent, subject=event.subject):
                yield
            outcome = "ok"
        except (Unavailable, StorageFull):
            outcome = "paused"
            raise
        finally:
            took_s = time.perf_counter() - began
            self._telemetry.metrics.delivery(queue, outcome=outcome, took_s=took_s, age_s=age_s)
