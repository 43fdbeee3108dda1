"""What a report is made of."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Cell = str | int | float | None
"""What a table's field holds; nothing is shown for None, and `never` for an infinite number: a time that never came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One curve: as many y as x. Where a y is None, the curve has a gap."""

    name: str
    x: Sequence[float]
    y: Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shade:
    """A part of the x axis that is shaded, the darker the larger its share, which is above 0 and at most 1."""

    begin: float
    end: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Curves over the same axes. The labels name the units; `steps` holds a value until the next x.

    shades: parts of the x axis that lie behind the curves; `shades_name` says in the legend what they are.
    """

    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    style: Literal["line", "steps", "points"] = "line"
    is_log_x: bool = False
    is_log_y: bool = False
    shades: Sequence[Shade] = ()
    shades_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of as many cells as there are columns."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether it went well, in a sentence; why not; and what is worth knowing even so."""

    is_well: bool
    sentence: str
    reasons: Sequence[str] = ()
    notes: Sequence[str] = ()

    def lines(self) -> list[str]:
        """All of it as lines of plain text."""
        return [self.sentence, *(f"- {reason}" for reason in self.reasons), *(f"  {note}" for note in self.notes)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A page: its title, the verdict where there is one, paragraphs of plain text, then the parts in their order."""

    title: str
    paragraphs: Sequence[str]
    parts: Sequence[Plot | Table]
    verdict: Verdict | None = None


def slug(title: str) -> str:
    """A title as a file name without its ending: small letters, digits and hyphens; `part` where nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60].rstrip("-") or "part"
