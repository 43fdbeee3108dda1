"""Counts over the last minute."""

from collections import Counter, deque
from collections.abc import Callable
from time import monotonic

SPAN_S = 60


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

    def _now(self) -> Counter[str]:
        """The counts of this second; older ones than a minute are dropped."""
        second = int(self._clock())
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append((second, Counter()))
        while self._seconds[0][0] <= second - SPAN_S:
            self._seconds.popleft()
        return self._seconds[-1][1]
