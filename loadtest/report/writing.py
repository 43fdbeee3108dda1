"""A report as files in a folder."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from loadtest.report.figure import png
from loadtest.report.machine import machine
from loadtest.report.page import html
from loadtest.report.parts import Cell, Plot, Report, Table, slug


def write(report: Report, folder: Path) -> Path:
    """Write `index.html`, a PNG for each plot, a CSV for each part, and `machine.json`; returns the page.

    A CSV is named for its part's title; equal names are numbered. A plot's has the columns series, x, y.
    """
    folder.mkdir(parents=True, exist_ok=True)
    told = machine()
    names = _names(report.parts)
    for part, name in zip(report.parts, names, strict=True):
        if isinstance(part, Plot):
            (folder / f"{name}.png").write_bytes(png(part))
        _write_csv(folder / f"{name}.csv", _rows(part))
    (folder / "machine.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    page = folder / "index.html"
    page.write_text(html(report, names, told), encoding="utf-8")
    return page


def _names(parts: Sequence[Plot | Table]) -> list[str]:
    """A file name for each part, no two alike."""
    names: list[str] = []
    for part in parts:
        name, number = slug(part.title), 1
        while name in names:
            number += 1
            name = f"{slug(part.title)}-{number}"
        names.append(name)
    return names


def _rows(part: Plot | Table) -> Iterable[Sequence[Cell]]:
    if isinstance(part, Table):
        yield part.columns
        yield from part.rows
        return
    yield ("series", "x", "y")
    for series in part.series:
        for x, y in zip(series.x, series.y, strict=True):
            yield (series.name, x, y)


def _write_csv(path: Path, rows: Iterable[Sequence[Cell]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
