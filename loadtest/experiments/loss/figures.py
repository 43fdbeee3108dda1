"""What is told of a run, beside what was published."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from loadtest.experiments.loss.published import Published, published
from loadtest.experiments.loss.runs import Measured
from loadtest.report import Plot, Report, Series, Table
from loadtest.report.parts import Cell

COLUMNS = (
    "loss",
    "goodput jobs/s",
    "published",
    "throughput jobs/s",
    "published",
    "accuracy",
    "published",
    "mean job s",
    "published",
    "finished",
    "images lost",
    "images twice",
    "submissions sent",
    "packets lost",
    "most frequent fault",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One row: rates are per second of wall time, accuracy is of the finished jobs, and None where there is none.

    fault: what most of the jobs without a label ended by.
    """

    mode: str
    rate: float
    goodput_per_s: float
    throughput_per_s: float
    accuracy: float | None
    job_s: float | None
    finished: int
    lost: int
    doubled: int
    sent: int
    lost_share: float
    fault: str


def figures(mode: str, rate: float, measured: Measured, truth: Mapping[str, str]) -> Figures:
    """Goodput counts jobs that got their label; throughput counts submissions that got an answer of any kind."""
    outcome = measured.outcome
    finished = [job for job in outcome.jobs if job.label is not None]
    right = [job.label == truth.get(job.name) for job in finished]
    return Figures(
        mode=mode,
        rate=rate,
        goodput_per_s=len(finished) / outcome.wall_s,
        throughput_per_s=outcome.answered / outcome.wall_s,
        accuracy=mean(right) if right else None,
        job_s=mean(job.seconds for job in finished) if finished else None,
        finished=len(finished),
        lost=len(outcome.lost),
        doubled=len(outcome.doubled),
        sent=outcome.sent,
        lost_share=measured.lost_share,
        fault=_most_frequent([job.fault for job in outcome.jobs if job.fault is not None]),
    )


def _most_frequent(faults: Sequence[str]) -> str:
    """The fault that most jobs ended by, and how many."""
    return "".join(f"{count} x {fault}" for fault, count in Counter(faults).most_common(1))


def report(rows: Sequence[Figures], paragraphs: Sequence[str]) -> Report:
    """A table for each mode, and goodput and job time over the loss rate."""
    modes = list(dict.fromkeys(row.mode for row in rows))
    by_mode = {mode: [row for row in rows if row.mode == mode] for mode in modes}
    known = published()
    tables = [
        Table(title=mode, columns=COLUMNS, rows=[_cells(row, known.get(row.rate)) for row in by_mode[mode]])
        for mode in modes
    ]
    return Report(title="Packet loss on the client's link", paragraphs=paragraphs, parts=[*_plots(by_mode), *tables])


def shown(row: Figures) -> str:
    """A row for the terminal."""
    accuracy = "-" if row.accuracy is None else f"{row.accuracy:.3f}"
    job_s = "-" if row.job_s is None else f"{row.job_s:.2f}"
    return (
        f"{row.mode}, loss {row.rate:.3f}: goodput {row.goodput_per_s:.2f}/s, throughput {row.throughput_per_s:.2f}/s, "
        f"accuracy {accuracy}, job {job_s} s, finished {row.finished}, lost {row.lost}, twice {row.doubled}"
        + (f" ({row.fault})" if row.fault else "")
    )


def _cells(row: Figures, theirs: Published | None) -> list[Cell]:
    return [
        row.rate,
        row.goodput_per_s,
        theirs and theirs.goodput_per_s,
        row.throughput_per_s,
        theirs and theirs.throughput_per_s,
        row.accuracy,
        theirs and theirs.accuracy,
        row.job_s,
        theirs and theirs.job_s,
        row.finished,
        row.lost,
        row.doubled,
        row.sent,
        row.lost_share,
        row.fault,
    ]


def _plots(by_mode: Mapping[str, Sequence[Figures]]) -> list[Plot]:
    goodput = [
        Series(name=mode, x=[row.rate for row in rows], y=[row.goodput_per_s for row in rows])
        for mode, rows in by_mode.items()
    ]
    job_s = [
        Series(name=mode, x=[row.rate for row in rows], y=[row.job_s for row in rows]) for mode, rows in by_mode.items()
    ]
    known = published()
    rates = list(known)
    goodput.append(Series(name="published (system B)", x=rates, y=[one.goodput_per_s for one in known.values()]))
    job_s.append(Series(name="published (system B)", x=rates, y=[one.job_s for one in known.values()]))
    axis = "share of packets lost"
    return [
        Plot(title="Goodput", x_label=axis, y_label="finished jobs per second", series=goodput, is_log_y=True),
        Plot(title="Mean time of a job", x_label=axis, y_label="seconds", series=job_s),
    ]
