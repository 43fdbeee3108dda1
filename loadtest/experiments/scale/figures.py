"""The costs as rows, tables and plots."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loadtest.experiments.scale.costs import Cost
from loadtest.report import Plot, Report, Series, Table

COLUMNS = ("subtasks", "operators", "operation", "calls", "p50 ms", "p95 ms", "p99 ms", "processor ms")
SIZE_COLUMNS = ("subtasks", "seeded in s", "bytes on disk for each", "platform MiB afterwards")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one operation costs in a task of so many subtasks, for so many operators."""

    subtasks: int
    operators: int
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A task of so many subtasks: how long it took to make, what it takes on disk, the platform's memory with it."""

    subtasks: int
    seeded_s: float
    bytes_each: float
    platform_mib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All there is, by number of subtasks with the same operators, and by number of operators in the same task."""

    sizes: Sequence[Size]
    by_subtasks: Sequence[Row]
    by_operators: Sequence[Row]


def report(measured: Measured, paragraphs: Sequence[str]) -> Report:
    """Plots with logarithmic axes, and the tables."""
    over_subtasks = _plots(measured.by_subtasks, "subtasks of the task", lambda row: row.subtasks)
    over_operators = _plots(measured.by_operators, "operators", lambda row: row.operators)
    sizes = [[one.subtasks, one.seeded_s, one.bytes_each, one.platform_mib] for one in measured.sizes]
    return Report(
        title="Cost of an operation",
        paragraphs=paragraphs,
        parts=[
            *over_subtasks,
            *over_operators,
            _table("Cost by number of subtasks", measured.by_subtasks),
            _table("Cost by number of operators", measured.by_operators),
            Table(title="Size", columns=SIZE_COLUMNS, rows=sizes),
        ],
    )


def shown(row: Row) -> str:
    """A row for the terminal."""
    cost = row.cost
    return (
        f"{row.subtasks:,} subtasks, {row.operators:,} operators, {cost.operation}: p50 {cost.p50_ms:.2f} ms, "
        f"p99 {cost.p99_ms:.2f} ms, processor {cost.cpu_ms:.2f} ms ({cost.count:,})"
    )


def _plots(rows: Sequence[Row], axis: str, x: Callable[[Row], int]) -> list[Plot]:
    """How long callers wait, and how long processors work."""
    values: tuple[tuple[str, str, Callable[[Cost], float]], ...] = (
        ("Median time of a call", "ms", lambda cost: cost.p50_ms),
        ("Processor time of a call", "processor ms", lambda cost: cost.cpu_ms),
    )
    return [
        Plot(
            title=f"{title} by {axis}",
            x_label=axis,
            y_label=unit,
            series=[_series(operation, rows, x, y) for operation in dict.fromkeys(row.cost.operation for row in rows)],
            is_log_x=True,
            is_log_y=True,
        )
        for title, unit, y in values
    ]


def _series(operation: str, rows: Sequence[Row], x: Callable[[Row], int], y: Callable[[Cost], float]) -> Series:
    chosen = [row for row in rows if row.cost.operation == operation]
    return Series(name=operation, x=[x(row) for row in chosen], y=[y(row.cost) for row in chosen])


def _table(title: str, rows: Sequence[Row]) -> Table:
    return Table(
        title=title,
        columns=COLUMNS,
        rows=[
            [
                row.subtasks,
                row.operators,
                row.cost.operation,
                row.cost.count,
                row.cost.p50_ms,
                row.cost.p95_ms,
                row.cost.p99_ms,
                row.cost.cpu_ms,
            ]
            for row in rows
        ],
    )
