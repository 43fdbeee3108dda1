"""What a process did, minute by minute of the clock, by counters that it has anyway."""

from collections.abc import Callable, Mapping

from pydantic import BaseModel

from shared.telemetry.rates import Durations

MINUTE_S = 60


class Minute(BaseModel):
    """One minute of one process.

    at: when it began, in epoch seconds. counts: how often what happened, by the names of the process' counters.
    took: requests by how long they took, as `Durations` counts them. ages_s: of its queues, when the minute had ended.
    """

    at: int
    counts: dict[str, int]
    took: dict[int, int]
    ages_s: dict[str, float]


def minute_of(now: float) -> int:
    """When the minute began in which this instant lies."""
    return int(now // MINUTE_S) * MINUTE_S


class Minutes:
    """Closes each minute when it is first looked at after its end. What happened until then belongs to it, so nothing
    is counted twice, or never.

    counters: how often something has happened since the process began, by name.
    """

    def __init__(self, counters: Mapping[str, Callable[[], int]], took: Durations, now: float) -> None:
        self._counters = counters
        self._took = took
        self._at = minute_of(now)
        self._totals = self._count()
        self._last: Minute | None = None

    def last(self, now: float, ages_s: Mapping[str, float]) -> Minute | None:
        """The minute that ended last; None where nobody looked for more than a minute, as while a machine sleeps."""
        at = minute_of(now)
        if at > self._at:
            totals = self._count()
            counts = {name: total - self._totals[name] for name, total in totals.items()}
            whole = Minute(at=self._at, counts=counts, took=self._took.counts(), ages_s=dict(ages_s))
            self._last = whole if at == self._at + MINUTE_S else None
            self._at, self._totals = at, totals
        return self._last

    def _count(self) -> dict[str, int]:
        return {name: count() for name, count in self._counters.items()}
