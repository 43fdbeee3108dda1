"""Whether a series of measurements is level. Pure functions."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Judgement = Literal["level", "grows", "falls", "too few"]
LAST = 1 / 3
"""The share of the time that is judged: before it, caches fill."""
LEAST = 8
"""Fewer samples than these say nothing."""
BUCKETS = 6
"""Equal times into which what is judged is cut; each is told by its median."""
HOUR_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How much a series may rise or fall over the part that is judged: a share of its median there, or so much.

    The larger of the two counts; each is in the unit of the series.
    """

    share: float
    least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """First, last and largest value of all; the rise per hour over the part that is judged, the rise in it, and how
    much it may rise there."""

    first: float
    last: float
    most: float
    per_hour: float
    rise: float
    allowed: float
    judgement: Judgement


def trend(times_s: Sequence[float], values: Sequence[float], allowance: Allowance) -> Trend:
    """Judge the last third by the slope of its buckets' medians: the median of the slopes of all pairs of them
    (Theil 1950, Sen 1968).

    That slope is not moved by single peaks, nor by a sawtooth whose period is short beside a bucket.
    """
    if not values:
        nan = math.nan
        return Trend(
            first=nan, last=nan, most=nan, per_hour=nan, rise=nan, allowed=allowance.least, judgement="too few"
        )
    begin_s = times_s[-1] - LAST * (times_s[-1] - times_s[0])
    judged = [(at_s, value) for at_s, value in zip(times_s, values, strict=True) if at_s >= begin_s]
    slope = theil_sen(medians(judged))
    rise = slope * (judged[-1][0] - judged[0][0])
    allowed = max(allowance.share * abs(statistics.median(value for _, value in judged)), allowance.least)
    judgement: Judgement = "level" if abs(rise) <= allowed else "grows" if rise > 0 else "falls"
    return Trend(
        first=values[0],
        last=values[-1],
        most=max(values),
        per_hour=slope * HOUR_S,
        rise=rise,
        allowed=allowed,
        judgement="too few" if len(judged) < LEAST else judgement,
    )


def medians(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Of each bucket its mean time and its median value; empty ones are left out."""
    begin_s = points[0][0]
    width_s = (points[-1][0] - begin_s) / BUCKETS or 1.0
    buckets: list[list[tuple[float, float]]] = [[] for _ in range(BUCKETS)]
    for at_s, value in points:
        buckets[min(BUCKETS - 1, int((at_s - begin_s) / width_s))].append((at_s, value))
    return [
        (statistics.fmean(at_s for at_s, _ in bucket), statistics.median(value for _, value in bucket))
        for bucket in buckets
        if bucket
    ]


def theil_sen(points: Sequence[tuple[float, float]]) -> float:
    """The median of the slopes between all pairs of points at different times; 0 where there is none."""
    slopes = [
        (later - earlier) / (at_s - before_s)
        for number, (before_s, earlier) in enumerate(points)
        for at_s, later in points[number + 1 :]
        if at_s != before_s
    ]
    return statistics.median(slopes) if slopes else 0.0
