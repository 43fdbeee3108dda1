"""What was seen in the pyramid, beside what system A published, as a page."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from loadtest.experiments.pyramid import published, record
from loadtest.experiments.pyramid.audit import Audit
from loadtest.experiments.pyramid.record import Row
from loadtest.people import summary
from loadtest.people.options import Options
from loadtest.people.shapes import Kind
from loadtest.people.statistics import Entry, Statistics, entry
from loadtest.report import Plot, Report, Series, Table

KINDS: tuple[Kind, ...] = ("client", "operator")
STEPS = 10
HIGHEST, LOWEST = (4, 5), (0, 9)
"""Steps from 0. Three or more are the lowest: the first and the last of them, so that one lies on either side."""
MOST_RATIO = 1.2
LEAST_GAIN = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything there is to say. where: the fleets and what scaled them, in sentences. deaths: of replicas."""

    statistics: Statistics
    options: Options
    rows: Sequence[Row]
    where: Sequence[str]
    audit: Audit | None
    deaths: int


def report(findings: Findings) -> Report:
    """The page: goals, times, replicas and steps, what was lost, then everything about the load, then the fleets."""
    people = summary.report(findings.statistics, findings.options)
    audits = [_audit(findings.audit, findings.deaths)] if findings.audit else []
    return Report(
        title="The pyramid",
        paragraphs=[*findings.where, *people.paragraphs],
        parts=[_goals(findings), _times(findings), _replicas(findings), _steps(findings), *audits, *_plots(findings),
               *people.parts],
    )  # fmt: skip


def goals(findings: Findings) -> list[tuple[str, str, bool]]:
    """What is to be shown, what was measured, and whether it is met."""
    found = [*_time_goals(findings), _failure_goal(findings), *_replica_goals(findings)]
    if (audit := findings.audit) is not None:
        lost = f"{len(audit.late)} late, {len(audit.lost_images)} images and {len(audit.lost_votes)} votes lost"
        happened = f"of {audit.orphans} left behind, {findings.deaths} replicas dead"
        is_met = audit.is_clean and audit.orphans > 0 and findings.deaths > 0  # where nothing happened nothing is shown
        found.append(("all that vanished served again in time, nothing lost", f"{lost}, {happened}", is_met))
    return found


def _time_goals(findings: Findings) -> Iterator[tuple[str, str, bool]]:
    for kind in KINDS:
        high, low = _steps_entry(findings, kind, HIGHEST), _steps_entry(findings, kind, LOWEST)
        ratio = high.p50 / low.p50
        text = f"{kind}: median of the two highest steps at most {MOST_RATIO:g} times that of the two lowest"
        yield text, f"{ratio:.2f} ({high.p50:.0f} / {low.p50:.0f} ms)", ratio <= MOST_RATIO
    for kind in KINDS:
        p95, then = findings.statistics.entry("iteration", kind).p95, published.TIMES[kind].p95_ms
        text = f"{kind}: p95 at least {LEAST_GAIN:g} times below the published {then:g} ms"
        yield text, f"{p95:.0f} ms, {then / p95:.1f} times", then / p95 >= LEAST_GAIN


def _failure_goal(findings: Findings) -> tuple[str, str, bool]:
    failures = findings.statistics.failures
    return "no failed request", str(failures), failures == 0


def _replica_goals(findings: Findings) -> Iterator[tuple[str, str, bool]]:
    for service in record.services(findings.rows):
        moved = record.movement(findings.rows, service, findings.options.duration_s)
        is_met = moved.most > moved.least and moved.last < moved.most
        yield f"{service}: replicas rise and fall", f"{moved.least} to {moved.most} to {moved.last}", is_met


def _goals(findings: Findings) -> Table:
    rows = [(goal, measured, "met" if is_met else "missed") for goal, measured, is_met in goals(findings)]
    return Table(title="What it should show", columns=("goal", "measured", ""), rows=rows)


def _times(findings: Findings) -> Table:
    def rows() -> Iterator[tuple[str, str, int, int | None, float, float, float]]:
        for kind in KINDS:
            now, then = findings.statistics.entry("iteration", kind), published.TIMES[kind]
            yield kind, "Quorate", now.count, now.failures, round(now.p50, 1), round(now.p95, 1), round(now.max, 1)
            yield kind, "system A, published", then.count, None, then.median_ms, then.p95_ms, then.most_ms

    columns = ("iteration", "of", "count", "failed", "median [ms]", "p95 [ms]", "max [ms]")
    return Table(title="Response times beside the published ones", columns=columns, rows=list(rows()))


def _replicas(findings: Findings) -> Table:
    ended_s = findings.options.duration_s
    moved = [record.movement(findings.rows, service, ended_s) for service in record.services(findings.rows)]
    columns = ("service", "of", "least", "most", "most after [s]", "began to fall, after the load ended [s]", "last")
    ours = [
        (one.service, "Quorate", one.least, one.most, round(one.most_at_s), _rounded(one.fell_s), one.last)
        for one in moved
    ]
    theirs = [
        (service, "system A, published", 1, most, None, published.FALL_S, None)
        for service, most in published.REPLICAS.items()
    ]
    return Table(title="Replicas", columns=columns, rows=[*ours, *theirs])


def _steps(findings: Findings) -> Table:
    services = record.services(findings.rows)
    columns = ["step", "clients pause [s]", "operators pause [s]"]
    for kind in KINDS:
        columns += [f"{kind}: count", "median [ms]", "p95 [ms]"]
    columns += [f"{service}: mean replicas" for service in services]

    def row(step: int) -> list[int | float | None]:
        begin_s, end_s = _span(findings, step)
        pauses_s = findings.options.schedule().stages[step].pauses_s
        cells: list[int | float | None] = [step + 1, *(pauses_s[kind] for kind in KINDS)]
        for kind in KINDS:
            found = findings.statistics.entry("iteration", kind, begin_s, end_s)
            cells += [found.count, *(round(time_ms, 1) if found.count else None for time_ms in (found.p50, found.p95))]
        means = (record.mean_replicas(findings.rows, service, begin_s, end_s) for service in services)
        return cells + [None if mean is None else round(mean, 1) for mean in means]

    return Table(title="Step by step", columns=columns, rows=[row(step) for step in range(STEPS)])


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
    return Table(title="After the fall of operators and a worker", columns=("what", "count"), rows=rows)


def _plots(findings: Findings) -> list[Plot]:
    def plot(title: str, label: str, value: Callable[[Row], float | None]) -> Plot:
        series = [_series(findings.rows, service, value) for service in record.services(findings.rows)]
        return Plot(title=title, x_label=summary.TIME, y_label=label, series=series, style="steps")

    return [
        plot("Replicas", "replicas", lambda row: row.replicas),
        plot("Processor", "cores of all replicas", lambda row: row.cpu),
        plot("Queue depth", "messages", lambda row: row.queue),
    ]


def _series(rows: Sequence[Row], service: str, value: Callable[[Row], float | None]) -> Series:
    seen = record.of(rows, service)
    return Series(name=service, x=[row.at_s for row in seen], y=[value(row) for row in seen])


def _steps_entry(findings: Findings, kind: Kind, steps: Sequence[int]) -> Entry:
    """The iterations of several steps together."""
    spans = [_span(findings, step) for step in steps]
    samples = findings.statistics.samples.get(("iteration", kind), ())
    return entry(one for one in samples if any(begin_s <= one.at_s < end_s for begin_s, end_s in spans))


def _span(findings: Findings, step: int) -> tuple[float, float]:
    length_s = findings.options.duration_s / STEPS
    return step * length_s, (step + 1) * length_s


def _rounded(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)
