"""What a report is made of."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Cell = str | int | float | None
"""What a table's field holds; nothing is shown for None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One curve: as many y as x. Where a y is None, the curve has a gap."""

    name: str
    x: Sequence[float]
    y: Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Curves over the same axes. The labels name the units; `steps` holds a value until the next x."""

    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    style: Literal["line", "steps", "points"] = "line"
    is_log_x: bool = False
    is_log_y: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of as many cells as there are columns."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A page: its title, paragraphs of plain text, then the parts in their order."""

    title: str
    paragraphs: Sequence[str]
    parts: Sequence[Plot | Table]


def slug(title: str) -> str:
    """A title as a file name without its ending: small letters, digits and hyphens; `part` where nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60].rstrip("-") or "part"
