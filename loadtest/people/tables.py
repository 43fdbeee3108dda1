"""The tables of a run's report; in each, what failed stands beside what was done."""

import math
from collections.abc import Callable, Mapping, Sequence

from loadtest.people.about import About, Seen
from loadtest.people.backlog import Progress
from loadtest.people.failures import grouped
from loadtest.people.options import Options
from loadtest.people.recording import IN_PART, STARVED
from loadtest.people.shapes import KINDS, Kind
from loadtest.people.statistics import Entry, Statistics
from loadtest.report import Table

NUMBERS = (
    "count",
    "failed",
    "failed [%]",
    "good per s",
    "mean of good [ms]",
    "median [ms]",
    "p95 [ms]",
    "p99 [ms]",
    "max of good [ms]",
)
Means = Mapping[str, Callable[[float, float], float | None]]
"""More columns of the load steps: what was measured from one second of the run to another."""
OTHER_ITERATIONS = {"operator": {IN_PART: "in part", STARVED: "no lease"}}
"""Iterations with a name of their own that belong beside those of a kind, by the title of their column."""


def about(told: About) -> Table:
    """When and against what."""

    def row(when: str, seen: Seen) -> tuple[str, str, str]:
        return when, f"{seen.at:%Y-%m-%d %H:%M:%S} UTC", str(seen)

    rows = [("URL", "", told.url), row("before the run", told.before), row("after the run", told.after)]
    return Table(title="The platform", columns=("", "at", "replicas and versions"), rows=rows)


def iterations(statistics: Statistics) -> Table:
    rows = [
        [name, *numbers(statistics.entry("iteration", name), statistics.duration_s)]
        for name in statistics.names("iteration")
    ]
    return Table(title="Iterations", columns=("iteration", *NUMBERS), rows=rows)


def requests(statistics: Statistics) -> Table:
    """Streams to their end have no attempts: they are the rest of a request."""
    rows: list[Sequence[str | int | float | None]] = []
    for name in statistics.names("call"):
        tries = statistics.entry("attempt", name)
        call = numbers(statistics.entry("call", name), statistics.duration_s)
        rows.append([name, tries.count, tries.failures, *call])
    return Table(title="Requests", columns=("request", "tries", "failed tries", *NUMBERS), rows=rows)


def load_steps(statistics: Statistics, options: Options, means: Means) -> Table:
    """Each load step of the shape: who was there, what they got done, what failed, and the times."""
    schedule, kinds = options.schedule(), present(options)
    columns = ["from [s]", "people", "requests failed [%]"]
    for kind in kinds:
        others = OTHER_ITERATIONS.get(kind, {}).values()
        columns += [f"{kind}: pause [s]", "count", "failed", "good per s", *others, "median [ms]", "p95 [ms]"]
    rows: list[list[int | float | None]] = []
    begin_s = 0.0
    for step in schedule.steps:
        end_s = begin_s + step.time * schedule.duration_s
        calls = statistics.whole("call", begin_s, end_s)
        row: list[int | float | None] = [
            round(begin_s, 1),
            schedule.people_at(begin_s + 1e-6, options.people),
            percent(calls),
        ]
        for kind in kinds:
            row += [step.pauses_s[kind], *_of_step(statistics, kind, begin_s, end_s)]
        rows.append([*row, *(mean(begin_s, end_s) for mean in means.values())])
        begin_s = end_s
    return Table(title="Iterations by load step", columns=[*columns, *means], rows=rows)


def _of_step(statistics: Statistics, kind: Kind, begin_s: float, end_s: float) -> list[int | float | None]:
    found = statistics.entry("iteration", kind, begin_s, end_s)
    count, failed, _, good_per_s, _, median, p95, *_ = numbers(found, end_s - begin_s)
    others = [statistics.entry("iteration", name, begin_s, end_s).count for name in OTHER_ITERATIONS.get(kind, {})]
    return [count, failed, good_per_s, *others, median, p95]


def failures(statistics: Statistics) -> Table:
    """By kind; empty where nothing failed, so that the file says so, too."""
    rows = [
        [one.kind, one.measure, one.name, one.error, one.count, round(one.first_s, 1), round(one.last_s, 1)]
        for one in grouped(statistics)
    ]
    columns = ("kind", "of", "name", "error", "count", "first [s]", "last [s]")
    return Table(title="Failures", columns=columns, rows=rows)


def tasks(found: Progress) -> Table:
    rows = [
        ("tasks made", found.tasks_made),
        ("of these finished", found.tasks_finished),
        ("of these cancelled before", found.tasks_cancelled),
        ("images taken", found.images_taken),
        ("of these ended", found.images_ended),
        ("of these still waiting", found.images_waiting),
    ]
    return Table(title="What came of it", columns=("what", "count"), rows=rows)


def numbers(of: Entry, duration_s: float) -> list[int | float | None]:
    """As NUMBERS; times that there are none of are left empty."""
    times = (of.mean, of.p50, of.p95, of.p99, of.max)
    per_s = of.good / duration_s if duration_s else None
    return [of.count, of.failures, percent(of), per_s, *(None if math.isnan(time_ms) else time_ms for time_ms in times)]


def percent(of: Entry) -> float | None:
    return 100 * of.failures / of.count if of.count else None


def present(options: Options) -> list[Kind]:
    """Those kinds of people of which there are some."""
    return [kind for kind in KINDS if options.counts[kind]]
