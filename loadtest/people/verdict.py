"""Did it go well? Pure functions of what was recorded."""

from collections.abc import Iterator
from dataclasses import dataclass

from loadtest.people.backlog import Progress
from loadtest.people.comparison import Comparison
from loadtest.people.failures import by_kind, grouped
from loadtest.people.options import Options
from loadtest.people.outages import Outage
from loadtest.people.recording import STARVED
from loadtest.people.statistics import Statistics
from loadtest.report import Verdict

SHOWN_OUTAGES = 3
LEAST_DURATION = 0.95
"""A run that ended before so large a share of its time was cut off."""
BUSY_CORES = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All that a verdict rests on. comparison: None where results were not compared."""

    statistics: Statistics
    options: Options
    outages: list[Outage]
    progress: Progress
    comparison: Comparison | None


def verdict(found: Found) -> Verdict:
    """Well where all that was begun went well, for as long as was planned, and all is there that was acknowledged."""
    reasons, notes = list(_reasons(found)), list(_notes(found))
    iterations, calls = found.statistics.whole("iteration"), found.statistics.whole("call")
    if reasons:
        failed = f"{iterations.failures:,} of {iterations.count:,} iterations failed" if iterations.failures else ""
        return Verdict(
            is_well=False,
            sentence=f"It did NOT go well{f': {failed}' if failed else ''}.",
            reasons=reasons,
            notes=notes,
        )
    sentence = f"It went well: {calls.count:,} requests and {iterations.count:,} iterations, none failed."
    return Verdict(is_well=True, sentence=sentence, notes=notes)


def _reasons(found: Found) -> Iterator[str]:
    statistics = found.statistics
    iterations, calls = statistics.whole("iteration"), statistics.whole("call")
    if not iterations.good:
        yield "not a single iteration went well"
    for of, what in ((iterations, "iterations"), (calls, "requests, after their last try,")):
        if of.failures:
            yield f"{of.failures:,} of {of.count:,} {what} failed ({of.failures / of.count:.1%})"
    if kinds := by_kind(grouped(statistics), ["call"] if calls.failures else ["iteration"]):
        yield f"what failed: {', '.join(f'{kind} {count:,}' for kind, count in kinds.items())}"
    worst = sorted(found.outages, key=lambda one: -one.duration_s)
    for one in worst[:SHOWN_OUTAGES]:
        yield (
            f"from {one.begin_s:.0f} s to {one.end_s:.0f} s ({one.duration_s:.0f} s) no request went well; "
            f"{one.failures:,} failed"
        )
    if len(worst) > SHOWN_OUTAGES:
        yield f"{len(worst) - SHOWN_OUTAGES} more such outages"
    planned_s = found.options.duration_s
    if statistics.duration_s < LEAST_DURATION * planned_s:
        yield f"the run ended after {statistics.duration_s:.0f} s of {planned_s:.0f} s"
    if found.comparison is not None:
        yield from found.comparison.problems()


def _notes(found: Found) -> Iterator[str]:
    statistics, progress = found.statistics, found.progress
    hidden = statistics.whole("attempt").failures - statistics.whole("call").failures
    if hidden > 0:
        yield f"{hidden:,} tries failed and were made again: without retries, their requests would have failed."
    if progress.tasks_made:
        cancelled = f" ({progress.tasks_cancelled:,} were cancelled before)" if progress.tasks_cancelled else ""
        yield (
            f"{progress.tasks_finished:,} of {progress.tasks_made:,} tasks made were finished{cancelled}, "
            f"{progress.images_ended:,} of {progress.images_taken:,} images; {progress.images_waiting:,} still waited."
        )
    operators = [name for name in statistics.names("iteration") if name.startswith("operator")]
    starved = statistics.entry("iteration", STARVED).count
    if starved:
        asked = sum(statistics.entry("iteration", name).count for name in operators)
        yield f"Operators asked {asked:,} times, and {starved:,} times ({starved / asked:.0%}) there was nothing to do."
    if (comparison := found.comparison) is not None and not comparison.problems():
        yield (
            f"After the run {comparison.compared:,} of {comparison.tasks:,} tasks were compared: all "
            f"{comparison.images:,} images are in their results as uploaded, with all {comparison.votes:,} votes on "
            "those that have ended."
        )
    cores = [one.cores for one in statistics.presences]
    if cores and sum(cores) / len(cores) > BUSY_CORES:
        yield f"The load test needed {sum(cores) / len(cores):.2f} of one core: the times are partly its own."
