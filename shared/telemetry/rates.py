"""Counts and durations over the last minute."""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Mapping
from time import monotonic

SPAN_S = 60
FINEST_S = 1e-4
STEP = 1.1
"""Durations are told apart by a tenth."""
STEPS = 180
"""The last of them counts everything over 2,800 s."""


class Rates:
    """Counts by name over the last minute, second by second. `clock` is monotonic."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._seconds: deque[tuple[int, Counter[str]]] = deque()

    def count(self, name: str = "") -> None:
        self._now()[name] += 1

    def per_minute(self, name: str = "") -> int:
        self._now()
        return sum(counts[name] for _, counts in self._seconds)

    def all_per_minute(self) -> Counter[str]:
        """The counts of all names."""
        self._now()
        return sum((counts for _, counts in self._seconds), Counter[str]())

    def _now(self) -> Counter[str]:
        """The counts of this second; older ones than a minute are dropped."""
        second = int(self._clock())
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append((second, Counter()))
        while self._seconds[0][0] <= second - SPAN_S:
            self._seconds.popleft()
        return self._seconds[-1][1]


class Durations:
    """How long things took in the last minute, to about a tenth."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._steps = Rates(clock)
        self._ends_s = [FINEST_S * STEP**step for step in range(STEPS)]
        self._names = [str(step) for step in range(STEPS + 1)]

    def took(self, seconds: float) -> None:
        self._steps.count(self._names[bisect_left(self._ends_s, seconds)])

    def counts(self) -> dict[int, int]:
        """How many took how long, by steps of which each is a tenth longer; those of several processes add up."""
        return {int(step): count for step, count in self._steps.all_per_minute().items()}

    def quantile_s(self, share: float) -> float | None:
        """So long a share of them took at the most; None where there were none."""
        return quantile_s(self.counts(), share)


def quantile_s(counts: Mapping[int, int], share: float) -> float | None:
    """So long a share of these durations, as `Durations` counts them, are at the most; None where there are none."""
    wanted, seen = share * sum(counts.values()), 0
    for step, count in sorted(counts.items()):
        seen += count
        if seen >= wanted:
            return FINEST_S * STEP**step
    return None
