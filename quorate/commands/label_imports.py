"""Labels that there are already."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, get_args

import click

from quorate.exits import Exit
from quorate.label_imports import EXTENSIONS, ImportFormat
from quorate.options import TEXT, Options, json_flag, pass_options
from quorate.session import connected
from quorate.shapes import RowReport, RowStatus
from quorate.terminal import say, show, show_json

SHOWN = 20
"""Rows that were not applied are shown one by one, so many of them."""
REFUSED: frozenset[RowStatus] = frozenset({"unknown_image", "ambiguous_name", "unknown_label", "malformed"})
TOLD: frozenset[RowStatus] = frozenset({*REFUSED, "duplicate", "ended"})


@click.command(name="import-labels")
@click.argument("task", type=TEXT)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "wanted",
    type=click.Choice(get_args(ImportFormat)),
    help="As the extension .csv, .tsv, .jsonl or .json (coco) says; of a zip it has to be said.",
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file for the report on every row, as JSON lines.",
)
@json_flag
@pass_options
def import_labels(options: Options, task: str, file: Path, *, wanted: ImportFormat | None, report: Path | None) -> None:
    """Show operators labels that there are already.

    docs/imports.md says what the formats are. Every row of the file is answered for; sent again, it changes nothing.
    Where rows were refused, the exit code is 3. With --json, one line of JSON for each row, and a last one.
    """
    file_format = wanted or EXTENSIONS.get(file.suffix.casefold())
    if file_format is None:
        raise click.UsageError(f"{file.name} may be of several formats: name one with --format")
    shown = _Shown(as_json=options.as_json)
    with connected(options) as client, _written(report) as written:

        def told(row: RowReport) -> None:
            shown.told(row)
            if written is not None:
                written.write(json.dumps(row) + "\n")

        said = client.import_labels(task, file, file_format=file_format, told=told)
    if options.as_json:
        show_json(said)
    else:
        shown.end(report)
        counts = (f"{count} {status.replace('_', ' ')}" for status, count in said["summary"].items() if count)
        show(f"{file}: {', '.join(counts) or 'no rows'}")
    if any(said["summary"].get(status) for status in REFUSED):
        raise SystemExit(Exit.PARTIAL)


@contextmanager
def _written(report: Path | None) -> Generator[IO[str] | None]:
    if report is None:
        yield None
        return
    with report.open("w", encoding="utf-8") as file:
        yield file


class _Shown:
    """What is shown of rows while they come."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._told = 0

    def told(self, row: RowReport) -> None:
        if self._as_json:
            show_json(row)
            return
        lines = [row["reason"] or ""] if row["status"] in TOLD else []
        for said in [*lines, *row["notes"]]:
            self._told += 1
            if self._told <= SHOWN:
                say(f"row {row['row']} ({row['name']}): {said}")

    def end(self, report: Path | None) -> None:
        if self._told > SHOWN:
            say(f"and {self._told - SHOWN} more: see {report or '--report'}")
