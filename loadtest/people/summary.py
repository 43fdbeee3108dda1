"""A run's report."""

from collections.abc import Sequence
from pathlib import Path

from loadtest.people import plots, tables
from loadtest.people.about import About
from loadtest.people.backlog import progress
from loadtest.people.comparison import Comparison
from loadtest.people.options import Options
from loadtest.people.outages import outages, shades
from loadtest.people.statistics import Statistics
from loadtest.people.tables import Means
from loadtest.people.verdict import Found, verdict
from loadtest.report import Report


def report(
    statistics: Statistics,
    options: Options,
    *,
    about: About | None = None,
    comparison: Comparison | None = None,
    sampled: Sequence[Path] = (),
    means: Means | None = None,
) -> Report:
    """The page of a run; each `sampled` CSV (columns time, and what was sampled) becomes a plot."""
    width_s = plots.window_s(statistics)
    seen = progress(statistics.acts, [width_s * at for at in range(int(statistics.duration_s / width_s) + 2)])
    down = outages(statistics, options.schedule().longest_pause_s)
    dark = shades(statistics, width_s, down)
    found = Found(statistics=statistics, options=options, outages=down, progress=seen[-1], comparison=comparison)
    return Report(
        title=f"Load test: {options.shape}",
        verdict=verdict(found),
        paragraphs=_paragraphs(options),
        parts=[
            *([tables.about(about)] if about else []),
            tables.iterations(statistics),
            tables.load_steps(statistics, options, means or {}),
            tables.failures(statistics),
            plots.failed(statistics, dark),
            plots.throughput(statistics, dark),
            plots.iterations(statistics, dark),
            plots.times(statistics, options, dark),
            *([tables.tasks(seen[-1]), plots.backlog(seen, dark), plots.tasks(seen, dark)] if options.clients else []),
            tables.requests(statistics),
            plots.presence(statistics, dark),
            plots.processor(statistics, dark),
            *(plots.sampled(path, statistics.begun_at, dark) for path in sampled),
        ],
    )


def _paragraphs(options: Options) -> list[str]:
    there = ", ".join(f"{count} {kind}s" for kind, count in options.counts.items() if count)
    retries = "repeated as the client does by itself" if options.retries else "not repeated"
    what = (
        f"{options.minutes:g} minutes of the shape {options.shape} with {there}. Requests that failed were {retries}. "
        "An iteration of a client: create a task and upload a zip of "
        f"{options.images} small pictures. Of an operator: lease {options.batch} subtasks and vote on each (looking at "
        "the images is not in its time). Of the detector: one picture."
    )
    how = (
        "What failed counts as slower than anything that was answered: a percentile that falls on it is “never”. "
        "Times are those of the load test, which shares its processor among all its people: where it needs nearly a "
        "core, they are its own."
    )
    return [what, how]
