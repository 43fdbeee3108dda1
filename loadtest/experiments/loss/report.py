"""What is told of a run, beside what the image recognition service (system B) published.

Its figures are of 100 images per rate and a client time-out of 3 s.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from loadtest.experiments.loss.clients import Outcome
from loadtest.report import Plot, Report, Series, Table
from loadtest.report.parts import Cell

COMPARED = {
    "goodput jobs/s": "goodput_per_s",
    "throughput jobs/s": "throughput_per_s",
    "accuracy": "accuracy",
    "mean job s": "job_s",
}
ALONE = {
    "finished": "finished",
    "images lost": "lost",
    "images twice": "doubled",
    "submissions sent": "sent",
    "packets lost": "lost_share",
    "most frequent fault": "fault",
}
"""Columns of the table and the figures in them; those that are compared have the published figure beside them."""


PUBLISHED: dict[float, dict[str, float]] = {
    rate: dict(zip(COMPARED.values(), figures, strict=True))
    for rate, *figures in (
        (0.0, 21.13, 21.13, 0.730, 3.13),
        (0.067, 21.06, 21.06, 0.730, 3.24),
        (0.13, 10.56, 10.56, 0.730, 3.21),
        (0.20, 10.45, 10.45, 0.730, 3.00),
        (0.27, 8.01, 8.01, 0.730, 3.25),
        (0.33, 5.59, 5.59, 0.730, 3.18),
        (0.40, 2.44, 2.49, 0.735, 3.26),
        (0.47, 1.45, 1.52, 0.719, 3.13),
        (0.53, 1.11, 1.17, 0.747, 3.28),
        (0.60, 0.41, 0.50, 0.741, 3.31),
    )
}
"""By loss rate, 0 to 1."""


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

    def __str__(self) -> str:
        accuracy = "-" if self.accuracy is None else f"{self.accuracy:.3f}"
        job_s = "-" if self.job_s is None else f"{self.job_s:.2f}"
        return (
            f"{self.mode}, loss {self.rate:.3f}: goodput {self.goodput_per_s:.2f}/s, throughput "
            f"{self.throughput_per_s:.2f}/s, accuracy {accuracy}, job {job_s} s, finished {self.finished}, "
            f"lost {self.lost}, twice {self.doubled}" + (f" ({self.fault})" if self.fault else "")
        )


def figures(mode: str, rate: float, outcome: Outcome, truth: Mapping[str, str]) -> Figures:
    """Goodput counts jobs that got their label; throughput counts submissions that got an answer of any kind."""
    finished = [job for job in outcome.jobs if job.label is not None]
    right = [job.label == truth.get(job.name) for job in finished]
    faults = Counter(job.fault for job in outcome.jobs if job.fault is not None)
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
        lost_share=outcome.lost_share,
        fault="".join(f"{count} x {fault}" for fault, count in faults.most_common(1)),
    )


def report(rows: Sequence[Figures], paragraphs: Sequence[str]) -> Report:
    """A table for each mode, and goodput and job time over the loss rate."""
    by_mode: dict[str, list[Figures]] = {}
    for row in rows:
        by_mode.setdefault(row.mode, []).append(row)
    columns = ["loss", *(column for name in COMPARED for column in (name, "published")), *ALONE]
    tables = [Table(title=mode, columns=columns, rows=list(map(_cells, own))) for mode, own in by_mode.items()]
    plots = [
        Plot(
            title="Goodput",
            x_label="share of packets lost",
            y_label="finished jobs per second",
            series=_series(by_mode, "goodput_per_s"),
            is_log_y=True,
        ),
        Plot(
            title="Mean time of a job",
            x_label="share of packets lost",
            y_label="seconds",
            series=_series(by_mode, "job_s"),
        ),
    ]
    return Report(title="Packet loss on the client's link", paragraphs=paragraphs, parts=[*plots, *tables])


def _cells(row: Figures) -> list[Cell]:
    theirs = PUBLISHED.get(row.rate, {})
    compared = [(getattr(row, field), theirs.get(field)) for field in COMPARED.values()]
    return [row.rate, *(cell for pair in compared for cell in pair), *(getattr(row, field) for field in ALONE.values())]


def _series(by_mode: Mapping[str, Sequence[Figures]], field: str) -> list[Series]:
    return [
        *(
            Series(name=mode, x=[row.rate for row in rows], y=[getattr(row, field) for row in rows])
            for mode, rows in by_mode.items()
        ),
        Series(name="published (system B)", x=list(PUBLISHED), y=[one[field] for one in PUBLISHED.values()]),
    ]
