"""Tables for people."""

import sys
from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from quorate.shapes import DeadLetter, Result, Subtask, Task, Vote
from quorate.summaries import ResultSummary
from quorate.terminal import plain

PIPE_COLUMNS = 200
"""Where no terminal says how wide it is, lines stay whole."""


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Text and not str: rich would read [markup] in a plain string.
        table.add_row(*(Text(_legible("-" if cell is None else cell)) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS, highlight=False)
    console.print(table)


def _legible(cell: object) -> str:
    """Written out before the table is laid out, for that makes it longer."""
    encoding = sys.stdout.encoding or "ascii"
    return plain(cell).encode(encoding, "backslashreplace").decode(encoding)


def show_fields(fields: Iterable[tuple[str, object]]) -> None:
    show_table(("", ""), fields)


def show_task(task: Task) -> None:
    quorum = ", ".join(f"{name} {value}" for name, value in task["quorum"].items())
    show_fields(
        (
            ("task", task["id"]),
            ("name", task["name"]),
            ("state", task["state"]),
            ("labels", ", ".join(task["labels"])),
            ("quorum", quorum),
            ("detector", task["detector"].get("mode")),
            *task["counts"].items(),
            ("created at", task["created_at"]),
            ("sealed at", task["sealed_at"]),
            ("completed at", task["completed_at"]),
        )
    )


def show_tasks(tasks: Iterable[Task]) -> None:
    columns = ("task", "name", "state", "images", "open", "completed", "disputed", "created at")
    show_table(columns, ((t["id"], t["name"], t["state"], *count_cells(t), t["created_at"]) for t in tasks))


def count_cells(task: Task) -> tuple[int, ...]:
    counts = task["counts"]
    return counts["images"], counts["open"], counts["completed"], counts["disputed"]


def show_results(results: Iterable[Result]) -> None:
    columns = ("image", "state", "label", "agreement", "votes", "decided by")
    rows = (
        (r["filename"], r["state"], r["label"], share(r["agreement"]), tally(r["votes"]), r["decided_by"])
        for r in results
    )
    show_table(columns, rows)


def show_summary(summary: ResultSummary) -> None:
    show_table(("label", "images"), most_first(summary["labels"]))
    show_fields(
        (
            ("images", summary["images"]),
            ("completed", summary["completed"]),
            ("disputed", summary["disputed"]),
            ("votes", summary["votes"]),
            ("mean agreement", share(summary["mean_agreement"])),
        )
    )


def show_disputes(subtasks: Iterable[Subtask]) -> None:
    rows = ((s["id"], s["task_id"], ", ".join(map(_ballot, s["votes"]))) for s in subtasks)
    show_table(("subtask", "task", "votes"), rows)


def _ballot(vote: Vote) -> str:
    return f"{vote['voter']}: {vote['label'] or 'unsure'}"


def show_dead(letters: Iterable[DeadLetter]) -> None:
    rows = ((d["id"], d["queue"], d["type"], d["subject"], d["reason"], d["died_at"]) for d in letters)
    show_table(("id", "queue", "type", "subject", "reason", "died at"), rows)


def share(value: float | None) -> str | None:
    return None if value is None else f"{value:.0%}"


def tally(votes: dict[str, int] | None) -> str | None:
    return None if votes is None else ", ".join(f"{label} {count}" for label, count in most_first(votes))


def most_first(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=_rank)


def _rank(count: tuple[str, int]) -> tuple[int, str]:
    return -count[1], count[0]
