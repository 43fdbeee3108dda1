"""The numbers that reports and benchmarks tell of times."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

Numbers = dict[str, float]
"""What a benchmark measured, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Some times in milliseconds, in numbers; not a number where there are none."""

    count: int
    mean: float
    p50: float
    p95: float
    p99: float
    max: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> "Times":
        """Of times in seconds."""
        return cls.of_ms(1000 * one for one in seconds)

    @classmethod
    def of_ms(cls, times_ms: Iterable[float]) -> "Times":
        ordered = sorted(times_ms)
        p50, p95, p99, most = (percentile(ordered, share) for share in (0.5, 0.95, 0.99, 1.0))
        mean = sum(ordered) / len(ordered) if ordered else math.nan
        return cls(count=len(ordered), mean=mean, p50=p50, p95=p95, p99=p99, max=most)


def percentile(values: Iterable[float], share: float) -> float:
    """The least value that at least `share` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def median(values: Iterable[float]) -> float:
    return percentile(values, 0.5)
