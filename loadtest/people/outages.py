"""When a platform was down, as its people saw it. Pure functions of what was recorded."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from loadtest.people.statistics import Statistics
from loadtest.report import Shade

LEAST_S, LEAST_FAILURES = 2.0, 3
"""So long nothing went well, while so many calls failed: that is an outage."""
SILENCE_S = 10.0
"""So long nothing was answered at all; longer where people pause longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """From one good answer to the next, or to an end of the run; `failures`: calls that failed in between."""

    begin_s: float
    end_s: float
    failures: int

    @property
    def duration_s(self) -> float:
        return self.end_s - self.begin_s


def outages(statistics: Statistics, longest_pause_s: float) -> list[Outage]:
    """The times in which no call went well although calls failed, or although people were there to make some."""
    calls = sorted(
        (one.at_s, bool(one.error)) for (of, _), found in statistics.samples.items() if of == "call" for one in found
    )
    failed_s = [at_s for at_s, is_failed in calls if is_failed]
    good_s = [at_s for at_s, is_failed in calls if not is_failed]
    bounds_s = [0.0, *good_s, statistics.duration_s]
    silence_s = max(SILENCE_S, 2 * longest_pause_s)
    found: list[Outage] = []
    at = 0
    for begin_s, end_s in pairwise(bounds_s):
        before = at
        while at < len(failed_s) and failed_s[at] <= end_s:
            at += 1
        duration_s, failures = end_s - begin_s, at - before
        if duration_s >= silence_s or (duration_s >= LEAST_S and failures >= LEAST_FAILURES):
            found.append(Outage(begin_s=begin_s, end_s=end_s, failures=failures))
    return found


def failed_shares(statistics: Statistics, width_s: float) -> dict[float, float]:
    """For windows in which anything failed: the share that did, of attempts, calls or iterations, whichever is most."""
    ended: Counter[tuple[str, float]] = Counter()
    failed: Counter[tuple[str, float]] = Counter()
    for (measure, _), samples in statistics.samples.items():
        for one in samples:
            window = measure, one.at_s // width_s * width_s
            ended[window] += 1
            failed[window] += bool(one.error)
    shares: dict[float, float] = {}
    for (measure, begin_s), count in failed.items():
        if count:
            share = count / ended[measure, begin_s]
            shares[begin_s] = max(shares.get(begin_s, 0.0), share)
    return dict(sorted(shares.items()))


def shades(statistics: Statistics, width_s: float, found: Sequence[Outage]) -> list[Shade]:
    """What to shade in a plot over time: outages as a whole, and what of the windows with failures lies outside."""
    shaded = [Shade(begin=one.begin_s, end=one.end_s, share=1.0) for one in found]
    for window_s, share in failed_shares(statistics, width_s).items():
        begin_s, end_s = window_s, window_s + width_s
        for one in found:
            if one.begin_s <= begin_s < one.end_s:
                begin_s = one.end_s
            if one.begin_s < end_s <= one.end_s:
                end_s = one.begin_s
        if begin_s < end_s:
            shaded.append(Shade(begin=begin_s, end=end_s, share=share))
    return shaded
