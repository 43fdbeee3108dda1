"""A run's report."""

import csv
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from loadtest.people.options import Options
from loadtest.people.shapes import KINDS, Kind
from loadtest.people.statistics import Entry, Statistics
from loadtest.report import Plot, Report, Series, Table

WINDOWS = 60
"""Plots over time show about so many points."""
EPOCH_S = 1e9
"""A time from here on is one of the epoch, not one of the run."""
TIME = "time since the start [s]"
NUMBERS = ("count", "failures", "mean [ms]", "median [ms]", "p95 [ms]", "p99 [ms]", "max [ms]")
Means = Mapping[str, Callable[[float, float], float | None]]
"""More columns of the load steps: what was measured from one second of the run to another."""


def report(
    statistics: Statistics, options: Options, *, sampled: Sequence[Path] = (), means: Means | None = None
) -> Report:
    """The page of a run; each `sampled` CSV (columns time, and what was sampled) becomes a plot."""
    iterations = [[name, *_numbers(statistics.entry("iteration", name))] for name in statistics.names("iteration")]
    calls = [
        [name, statistics.entry("attempt", name).count, *_numbers(statistics.entry("call", name))]
        for name in statistics.names("call")
    ]
    return Report(
        title=f"Load test: {options.shape}",
        paragraphs=_paragraphs(statistics, options),
        parts=[
            Table(title="Iterations", columns=("iteration", *NUMBERS), rows=iterations),
            _load_steps(statistics, options, means or {}),
            Table(title="Requests", columns=("request", "attempts", *NUMBERS), rows=calls),
            *([_failures(statistics)] if statistics.failures else []),
            _times(statistics, options),
            _throughput(statistics),
            _presence(statistics, "Who is there", "people", ("clients", "operators", "detectors"), is_steps=True),
            _presence(statistics, "Processor of the load test itself", "cores", ("cores",), is_steps=False),
            *(sampled_plot(path, statistics.begun_at) for path in sampled),
        ],
    )


def sampled_plot(path: Path, begun_at: float) -> Plot:
    """A CSV as a plot: its first column is the time, in seconds of the epoch or since the start; empty is no value."""
    with path.open(encoding="utf-8", newline="") as file:
        columns, *rows = list(csv.reader(file))
    times = [float(row[0]) - (begun_at if float(row[0]) >= EPOCH_S else 0.0) for row in rows]
    series = [
        Series(name=name, x=times, y=[float(row[at]) if row[at] else None for row in rows])
        for at, name in enumerate(columns[1:], start=1)
    ]
    title = path.stem.replace("_", " ")
    return Plot(title=title.capitalize(), x_label=TIME, y_label=title, series=series, style="steps")


def _paragraphs(statistics: Statistics, options: Options) -> list[str]:
    calls = sum(statistics.entry("call", name).count for name in statistics.names("call"))
    there = ", ".join(f"{count} {kind}s" for kind, count in options.counts.items() if count)
    retries = "repeated as the client does by itself" if options.retries else "not repeated"
    what = (
        f"{options.minutes:g} minutes of the shape {options.shape} with {there}. {calls:,} requests, "
        f"{statistics.failures:,} of which failed for good; requests that failed were {retries}."
    )
    how = (
        f"An iteration of a client: create a task and upload a zip of {options.images} small pictures. Of an operator: "
        f"lease {options.batch} subtasks and vote on each (looking at the images is not in its time). Of the detector: "
        "one picture. Times are those of the load test, which shares its processor among all its people: where it "
        "needs nearly a core, they are its own."
    )
    return [what, how]


def _numbers(of: Entry) -> list[int | float | None]:
    times = (of.mean, of.p50, of.p95, of.p99, of.max)
    return [of.count, of.failures, *(None if math.isnan(time_ms) else time_ms for time_ms in times)]


def _load_steps(statistics: Statistics, options: Options, means: Means) -> Table:
    """Each load step of the shape with the times of those that are there."""
    schedule, kinds = options.schedule(), _kinds(options)
    columns = ["from [s]", "people"]
    for kind in kinds:
        columns += [f"{kind}: pause [s]", "count", "median [ms]", "p95 [ms]"]
    rows: list[list[int | float | None]] = []
    begin_s = 0.0
    for step in schedule.steps:
        end_s = begin_s + step.time * schedule.duration_s
        row: list[int | float | None] = [round(begin_s, 1), schedule.people_at(begin_s + 1e-6, options.people)]
        for kind in kinds:
            count, _, _, median, p95, *_ = _numbers(statistics.entry("iteration", kind, begin_s, end_s))
            row += [step.pauses_s[kind], count, median, p95]
        rows.append([*row, *(mean(begin_s, end_s) for mean in means.values())])
        begin_s = end_s
    return Table(title="Iterations by load step", columns=[*columns, *means], rows=rows)


def _failures(statistics: Statistics) -> Table:
    counted = Counter(
        (name, one.error)
        for (of, name), found in statistics.samples.items()
        if of == "call"
        for one in found
        if one.error
    )
    rows = [[name, error, count] for (name, error), count in counted.most_common()]
    return Table(title="Failures", columns=("request", "error", "count"), rows=rows)


def _times(statistics: Statistics, options: Options) -> Plot:
    width_s = _width_s(statistics)
    series: list[Series] = []
    for name in _kinds(options):
        found = statistics.windows("iteration", name, width_s)
        x = [begin_s + width_s / 2 for begin_s in found]
        series.append(Series(name=f"{name}: median", x=x, y=[one.p50 for one in found.values()]))
        series.append(Series(name=f"{name}: p95", x=x, y=[one.p95 for one in found.values()]))
    unit = f"response time [ms], in windows of {width_s:g} s"
    return Plot(title="Response time of an iteration", x_label=TIME, y_label=unit, series=series)


def _throughput(statistics: Statistics) -> Plot:
    width_s = _width_s(statistics)
    begins = [number * width_s for number in range(math.ceil(statistics.duration_s / width_s))]
    counts: dict[str, Counter[float]] = {"requests": Counter(), "failures": Counter()}
    for name in statistics.names("call"):
        for begin_s, found in statistics.windows("call", name, width_s).items():
            counts["requests"][begin_s] += found.count
            counts["failures"][begin_s] += found.failures
    for name in statistics.names("iteration"):
        found = statistics.windows("iteration", name, width_s)
        counts[f"iterations: {name}"] = Counter({begin_s: one.count for begin_s, one in found.items()})
    x = [begin_s + width_s / 2 for begin_s in begins]
    series = [Series(name=name, x=x, y=[of[b] / width_s for b in begins]) for name, of in counts.items()]
    return Plot(title="Throughput", x_label=TIME, y_label="per second", series=series)


def _presence(statistics: Statistics, title: str, unit: str, names: Sequence[str], *, is_steps: bool) -> Plot:
    """What was seen of the people, second by second; kinds of which none was there are left out."""
    seen = statistics.presences
    by_name = {name: [getattr(one, name) for one in seen] for name in names}
    series = [Series(name=name, x=[one.at_s for one in seen], y=y) for name, y in by_name.items() if any(y)]
    return Plot(title=title, x_label=TIME, y_label=unit, series=series, style="steps" if is_steps else "line")


def _kinds(options: Options) -> list[Kind]:
    return [kind for kind in KINDS if options.counts[kind]]


def _width_s(statistics: Statistics) -> float:
    """A window of whole seconds, so wide that there are about WINDOWS of them."""
    return float(max(1, math.ceil(statistics.duration_s / WINDOWS)))
