"""What was seen in the pyramid, beside what system A published, as a page."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from loadtest.experiments.pyramid import replicas
from loadtest.experiments.pyramid.audit import Audit
from loadtest.experiments.supervisor import Observation
from loadtest.measures import Times
from loadtest.people import summary
from loadtest.people.options import Options
from loadtest.people.plots import TIME
from loadtest.people.shapes import Kind
from loadtest.people.statistics import Entry, Statistics, entry
from loadtest.report import Plot, Report, Series, Table

MINUTES = 10.0
"""How long system A's run took; a tenth of the pyramid is a minute. This and what follows is in PREDECESSORS.md."""
FALL_S = 80.0
"""After the end of the load, until replicas began to fall."""
MOST_REPLICAS = {"task_manager": 4, "subtask_manager": 3}
"""From 1."""
UNKNOWN = float("nan")
PUBLISHED: dict[Kind, Times] = {
    "client": Times(count=2466, p50=62, p95=388, max=994, mean=UNKNOWN, p99=UNKNOWN),
    "operator": Times(count=1172, p50=115, p95=447, max=986, mean=UNKNOWN, p99=UNKNOWN),
}
STEPS = 10
HIGHEST, LOWEST = (4, 5), (0, 9)
"""Steps from 0. Three or more are the lowest: the first and the last of them, so that one lies on either side."""
MOST_RATIO = 1.2
LEAST_GAIN = 5.0
Goal = tuple[str, str, bool]
"""What is to be shown, what was measured, and whether it is met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything there is to say. where: the fleets and what scaled them, in sentences. deaths: of replicas."""

    statistics: Statistics
    options: Options
    observed: Sequence[Observation]
    where: Sequence[str]
    audit: Audit | None
    deaths: int


def report(findings: Findings) -> Report:
    """The page: goals, times, replicas, what was lost, then everything about the load, then the fleets."""
    means = {
        f"{service}: mean replicas": partial(replicas.mean_replicas, findings.observed, service)
        for service in replicas.services(findings.observed)
    }
    load = summary.report(findings.statistics, findings.options, means=means)
    rows = [(goal, measured, "met" if is_met else "missed") for goal, measured, is_met in goals(findings)]
    return Report(
        title="The pyramid",
        verdict=load.verdict,
        paragraphs=[*findings.where, *load.paragraphs],
        parts=[
            Table(title="What it should show", columns=("goal", "measured", ""), rows=rows),
            _times(findings),
            _replicas(findings),
            *([_audit(findings.audit, findings.deaths)] if findings.audit else []),
            _plot(findings, "Replicas", "replicas", lambda one: one.replicas),
            _plot(findings, "Processor", "cores of all replicas", lambda one: one.cpu),
            _plot(findings, "Queue depth", "messages", lambda one: one.queue),
            *load.parts,
        ],
    )


def goals(findings: Findings) -> list[Goal]:
    found = [*_time_goals(findings)]
    failures = findings.statistics.failures
    found.append(("no failed request", str(failures), failures == 0))
    for service in replicas.services(findings.observed):
        moved = replicas.movement(findings.observed, service, findings.options.duration_s)
        is_met = moved.most > moved.least and moved.last < moved.most
        found.append((f"{service}: replicas rise and fall", f"{moved.least} to {moved.most} to {moved.last}", is_met))
    if (audit := findings.audit) is not None:
        lost = f"{len(audit.late)} late, {len(audit.lost_images)} images and {len(audit.lost_votes)} votes lost"
        happened = f"of {audit.orphans} left behind, {findings.deaths} replicas dead"
        is_met = audit.is_clean and audit.orphans > 0 and findings.deaths > 0  # where nothing happened nothing is shown
        found.append(("all that vanished served again in time, nothing lost", f"{lost}, {happened}", is_met))
    return found


def _time_goals(findings: Findings) -> Iterator[Goal]:
    for kind in PUBLISHED:
        high, low = _steps_entry(findings, kind, HIGHEST), _steps_entry(findings, kind, LOWEST)
        ratio = high.p50 / low.p50
        text = f"{kind}: median of the two highest steps at most {MOST_RATIO:g} times that of the two lowest"
        yield text, f"{ratio:.2f} ({high.p50:.0f} / {low.p50:.0f} ms)", ratio <= MOST_RATIO
    for kind, published in PUBLISHED.items():
        p95, then = findings.statistics.entry("iteration", kind).p95, published.p95
        text = f"{kind}: p95 at least {LEAST_GAIN:g} times below the published {then:g} ms"
        yield text, f"{p95:.0f} ms, {then / p95:.1f} times", then / p95 >= LEAST_GAIN


def _times(findings: Findings) -> Table:
    def rows() -> Iterator[tuple[str, str, int, int | None, float, float, float]]:
        for kind, then in PUBLISHED.items():
            now = findings.statistics.entry("iteration", kind)
            yield kind, "Quorate", now.count, now.failures, round(now.p50, 1), round(now.p95, 1), round(now.max, 1)
            yield kind, "system A, published", then.count, None, then.p50, then.p95, then.max

    columns = ("iteration", "of", "count", "failed", "median [ms]", "p95 [ms]", "max [ms]")
    return Table(title="Response times beside the published ones", columns=columns, rows=list(rows()))


def _replicas(findings: Findings) -> Table:
    observed, ended_s = findings.observed, findings.options.duration_s
    moved = [replicas.movement(observed, service, ended_s) for service in replicas.services(observed)]
    columns = ("service", "of", "least", "most", "most after [s]", "began to fall, after the load ended [s]", "last")
    ours = [
        (one.service, "Quorate", one.least, one.most, round(one.most_at_s), _rounded(one.fell_s), one.last)
        for one in moved
    ]
    theirs = [(service, "system A, published", 1, most, None, FALL_S, None) for service, most in MOST_REPLICAS.items()]
    return Table(title="Replicas", columns=columns, rows=[*ours, *theirs])


def _audit(audit: Audit, deaths: int) -> Table:
    rows = [
        ("replicas that died and were started again", deaths),
        ("images accepted", audit.images),
        ("of these completed or disputed", audit.finished),
        ("images lost", len(audit.lost_images)),
        ("open images still held, after all leases had lapsed", len(audit.held)),
        ("votes acknowledged", audit.votes),
        ("votes lost", len(audit.lost_votes)),
        ("subtasks leased to operators that vanished", audit.orphans),
        ("of these not served again within their lease and 5 s", len(audit.late)),
        ("the slowest was served again so long after its lease ended [s]", round(audit.slowest_s, 1)),
    ]
    return Table(title="After operators vanished and a replica was killed", columns=("what", "count"), rows=rows)


def _plot(findings: Findings, title: str, label: str, value: Callable[[Observation], float]) -> Plot:
    def series(service: str) -> Series:
        seen = replicas.of(findings.observed, service)
        return Series(name=service, x=[one.at_s for one in seen], y=[value(one) for one in seen])

    names = replicas.services(findings.observed)
    return Plot(title=title, x_label=TIME, y_label=label, series=[*map(series, names)], style="steps")


def _steps_entry(findings: Findings, kind: Kind, steps: Sequence[int]) -> Entry:
    """The iterations of several steps together."""
    length_s = findings.options.duration_s / STEPS
    samples = findings.statistics.samples.get(("iteration", kind), ())
    return entry(one for one in samples if int(one.at_s // length_s) in steps)


def _rounded(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)
