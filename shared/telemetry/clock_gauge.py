"""The gauge of a clock that is ahead of the wall clock, or behind it."""

from prometheus_client import CollectorRegistry, Gauge

from shared.clock import Clock
from shared.steady_clock import SteadyClock


def show(clock: Clock, registry: CollectorRegistry) -> None:
    """Show how far a clock is off the wall clock, where it knows."""
    if isinstance(clock, SteadyClock):
        gauge = Gauge(
            "quorate_clock_ahead_seconds",
            "How far the process' time is ahead of the machine's wall clock, which was set back; less than 0: behind"
            " it, for up to a minute after it was set forward.",
            registry=registry,
        )
        gauge.set_function(lambda: clock.ahead_s)
