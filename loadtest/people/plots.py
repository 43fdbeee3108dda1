"""The plots of a run's report; in each, the times in which something failed are shaded."""

import csv
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from loadtest.people.backlog import Progress
from loadtest.people.options import Options
from loadtest.people.recording import Measure
from loadtest.people.statistics import Statistics
from loadtest.people.tables import percent, present
from loadtest.report import Plot, Series, Shade

WINDOWS = 60
"""Plots over time show about so many points."""
EPOCH_S = 1e9
"""A time from here on is one of the epoch, not one of the run."""
TIME = "time since the start [s]"
SHADED = "something failed\n(darker: more of it)"


def times(statistics: Statistics, options: Options, shades: Sequence[Shade]) -> Plot:
    """A window in which so much failed that a percentile was never answered has a gap there."""
    width_s = window_s(statistics)
    series: list[Series] = []
    for name in present(options):
        found = statistics.windows("iteration", name, width_s)
        x = [begin_s + width_s / 2 for begin_s in found]
        series.append(Series(name=f"{name}: median", x=x, y=[_answered(one.p50) for one in found.values()]))
        series.append(Series(name=f"{name}: p95", x=x, y=[_answered(one.p95) for one in found.values()]))
    unit = f"response time [ms], in windows of {width_s:g} s"
    return _plot("Response time of an iteration", unit, series, shades)


def throughput(statistics: Statistics, shades: Sequence[Shade]) -> Plot:
    """All requests beside those that went well, and those that failed."""
    width_s, begins = window_s(statistics), _begins_s(statistics)
    names = ("requests", "requests that went well (goodput)", "requests that failed")
    counts: dict[str, Counter[float]] = {name: Counter() for name in names}
    for name in statistics.names("call"):
        for begin_s, found in statistics.windows("call", name, width_s).items():
            for counted, value in zip(names, (found.count, found.good, found.failures), strict=True):
                counts[counted][begin_s] += value
    series = [Series(name=name, x=begins, y=[of[b] / width_s for b in begins]) for name, of in counts.items()]
    return _plot("Throughput and goodput", "requests per second", series, shades, is_steps=True)


def iterations(statistics: Statistics, shades: Sequence[Shade]) -> Plot:
    """Those that went well, so that it shows what people got done."""
    width_s, begins = window_s(statistics), _begins_s(statistics)
    series: list[Series] = []
    for name in statistics.names("iteration"):
        found = statistics.windows("iteration", name, width_s)
        y = [found[b].good / width_s if b in found else 0.0 for b in begins]
        series.append(Series(name=name, x=[begin_s + width_s / 2 for begin_s in begins], y=y))
    return _plot("Iterations that went well", "per second", series, shades)


def failed(statistics: Statistics, shades: Sequence[Shade]) -> Plot:
    """The share of all that ended in each window, tries that were made again included."""
    width_s, begins = window_s(statistics), _begins_s(statistics)
    measures: dict[Measure, str] = {"iteration": "iterations", "call": "requests", "attempt": "single tries"}
    series = [
        Series(name=name, x=begins, y=[percent(statistics.whole(measure, b, b + width_s)) for b in begins])
        for measure, name in measures.items()
    ]
    return _plot("What failed", "failed [%]", series, shades, is_steps=True)


def backlog(found: Sequence[Progress], shades: Sequence[Shade]) -> Plot:
    waiting = Series(name="images waiting", x=[one.at_s for one in found], y=[one.images_waiting for one in found])
    return _plot("Backlog", "images taken and not ended", [waiting], shades, is_steps=True)


def tasks(found: Sequence[Progress], shades: Sequence[Shade]) -> Plot:
    x = [one.at_s for one in found]
    series = [
        Series(name="made", x=x, y=[one.tasks_made for one in found]),
        Series(name="finished", x=x, y=[one.tasks_finished for one in found]),
        Series(name="cancelled before", x=x, y=[one.tasks_cancelled for one in found]),
    ]
    return _plot("Tasks", "tasks so far", series, shades, is_steps=True)


def presence(statistics: Statistics, shades: Sequence[Shade]) -> Plot:
    """Second by second; kinds of which none was there are left out."""
    return _seen(statistics, "Who is there", "people", ("clients", "operators", "detectors"), shades, is_steps=True)


def processor(statistics: Statistics, shades: Sequence[Shade]) -> Plot:
    return _seen(statistics, "Processor of the load test itself", "cores", ("cores",), shades, is_steps=False)


def sampled(path: Path, begun_at: float, shades: Sequence[Shade]) -> Plot:
    """A CSV as a plot: its first column is the time, in seconds of the epoch or since the start; empty is no value."""
    with path.open(encoding="utf-8", newline="") as file:
        columns, *rows = list(csv.reader(file))
    at_s = [float(row[0]) - (begun_at if float(row[0]) >= EPOCH_S else 0.0) for row in rows]
    series = [
        Series(name=name, x=at_s, y=[float(row[at]) if row[at] else None for row in rows])
        for at, name in enumerate(columns[1:], start=1)
    ]
    title = path.stem.replace("_", " ")
    return _plot(title.capitalize(), title, series, shades, is_steps=True)


def window_s(statistics: Statistics) -> float:
    """A window of whole seconds, so wide that there are about WINDOWS of them."""
    return float(max(1, math.ceil(statistics.duration_s / WINDOWS)))


def _begins_s(statistics: Statistics) -> list[float]:
    """When each window begins."""
    width_s = window_s(statistics)
    return [number * width_s for number in range(max(1, math.ceil(statistics.duration_s / width_s)))]


def _seen(
    statistics: Statistics, title: str, unit: str, names: Sequence[str], shades: Sequence[Shade], *, is_steps: bool
) -> Plot:
    seen = statistics.presences
    by_name = {name: [getattr(one, name) for one in seen] for name in names}
    series = [Series(name=name, x=[one.at_s for one in seen], y=y) for name, y in by_name.items() if any(y)]
    return _plot(title, unit, series, shades, is_steps=is_steps)


def _plot(title: str, unit: str, series: Sequence[Series], shades: Sequence[Shade], *, is_steps: bool = False) -> Plot:
    return Plot(
        title=title,
        x_label=TIME,
        y_label=unit,
        series=series,
        style="steps" if is_steps else "line",
        shades=shades,
        shades_name=SHADED,
    )


def _answered(time_ms: float) -> float | None:
    return time_ms if math.isfinite(time_ms) else None
