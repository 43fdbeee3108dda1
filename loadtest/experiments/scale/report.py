"""The costs as rows, tables and plots."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from loadtest.crowd.calls import Cost
from loadtest.report import Plot, Report, Series, Table

COLUMNS = ("subtasks", "operators", "operation", "calls", "p50 ms", "p95 ms", "p99 ms", "processor ms")
SIZE_COLUMNS = ("subtasks", "seeded in s", "bytes on disk for each", "platform MiB afterwards")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one operation costs in a task of so many subtasks, for so many operators."""

    subtasks: int
    operators: int
    cost: Cost

    def __str__(self) -> str:
        return (
            f"{self.subtasks:,} subtasks, {self.operators:,} operators, {self.cost.operation}: "
            f"p50 {self.cost.times.p50:.2f} ms, p99 {self.cost.times.p99:.2f} ms, "
            f"processor {self.cost.cpu_ms:.2f} ms ({self.cost.count:,})"
        )


@dataclass(slots=True)
class Found:
    """What was measured so far, by number of subtasks with the same operators and by number of operators in the same
    task; of each size, what SIZE_COLUMNS name; and in words what was left out.
    """

    sizes: list[tuple[int, float, float, float]] = field(default_factory=list[tuple[int, float, float, float]])
    by_subtasks: list[Row] = field(default_factory=list[Row])
    by_operators: list[Row] = field(default_factory=list[Row])
    left_out: list[str] = field(default_factory=list[str])


def report(found: Found, paragraphs: Sequence[str]) -> Report:
    """Plots with logarithmic axes, and the tables."""
    return Report(
        title="Cost of an operation",
        paragraphs=[*paragraphs, *found.left_out],
        parts=[
            *_plots(found.by_subtasks, "subtasks of the task", lambda row: row.subtasks),
            *_plots(found.by_operators, "operators", lambda row: row.operators),
            _table("Cost by number of subtasks", found.by_subtasks),
            _table("Cost by number of operators", found.by_operators),
            Table(title="Size", columns=SIZE_COLUMNS, rows=found.sizes),
        ],
    )


def _plots(rows: Sequence[Row], axis: str, x: Callable[[Row], int]) -> list[Plot]:
    """How long callers wait, and how long processors work."""

    def plot(title: str, unit: str, y: Callable[[Cost], float]) -> Plot:
        by_operation: dict[str, list[Row]] = {}
        for row in rows:
            by_operation.setdefault(row.cost.operation, []).append(row)
        series = [
            Series(name=operation, x=[x(row) for row in own], y=[y(row.cost) for row in own])
            for operation, own in by_operation.items()
        ]
        return Plot(title=f"{title} by {axis}", x_label=axis, y_label=unit, series=series, is_log_x=True, is_log_y=True)

    return [
        plot("Median time of a call", "ms", lambda cost: cost.times.p50),
        plot("Processor time of a call", "processor ms", lambda cost: cost.cpu_ms),
    ]


def _table(title: str, rows: Sequence[Row]) -> Table:
    def cells(row: Row) -> list[int | str | float]:
        cost = row.cost
        times = [cost.times.p50, cost.times.p95, cost.times.p99]
        return [row.subtasks, row.operators, cost.operation, cost.count, *times, cost.cpu_ms]

    return Table(title=title, columns=COLUMNS, rows=[cells(row) for row in rows])
