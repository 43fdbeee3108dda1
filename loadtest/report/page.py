"""A report as one HTML page that shows the pictures beside it, and needs no script, no font, nothing from elsewhere."""

import math
from collections.abc import Mapping, Sequence
from html import escape

from loadtest.report.parts import Cell, Plot, Report, Table, Verdict

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 64rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.7rem; line-height: 1.2; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem; }
p { max-width: 46rem; }
img { max-width: 100%; height: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; }
th, td { padding: .3rem .8rem; text-align: left; border-bottom: 1px solid #e3e3e3; vertical-align: top; }
th { border-bottom: 2px solid #bbb; white-space: nowrap; }
.number { text-align: right; white-space: nowrap; }
.verdict { border-left: .5rem solid #009E73; background: #eef8f4; padding: .6rem 1rem; margin: 1rem 0; }
.verdict.bad { border-color: #D55E00; background: #fdf1ea; }
.verdict p { margin: .2rem 0; } .verdict ul { margin: .3rem 0; }
.verdict .sentence { font-size: 1.25rem; font-weight: 600; }
footer { margin-top: 3rem; color: #666; font-size: .85rem; }
"""


def html(report: Report, names: Sequence[str], machine: Mapping[str, Cell]) -> str:
    """The page; `names` has the file name of each part, without its ending."""
    title = escape(report.title)
    paragraphs = "\n".join(f"<p>{escape(text)}</p>" for text in report.paragraphs)
    parts = "\n".join(_part(part, name) for part, name in zip(report.parts, names, strict=True))
    verdict = "" if report.verdict is None else _verdict(report.verdict)
    told = ", ".join(f"{escape(name)}: {escape(shown(value))}" for name, value in machine.items())
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
{verdict}
{paragraphs}
{parts}
<footer>Measured on: {told}</footer>
</body>
</html>
"""


def shown(cell: Cell) -> str:
    """A cell for people: thousands apart, and no more digits than tell something."""
    if cell is None or cell != cell:  # noqa: PLR0124 - so is not-a-number
        return ""
    if isinstance(cell, float):
        if math.isinf(cell):
            return "never"
        digits = 0 if abs(cell) >= 1000 else 1 if abs(cell) >= 100 else 2 if abs(cell) >= 1 or cell == 0 else 4
        return f"{cell:,.{digits}f}"
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)


def _verdict(verdict: Verdict) -> str:
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in verdict.reasons)
    notes = "".join(f"<p>{escape(note)}</p>" for note in verdict.notes)
    return (
        f'<div class="verdict{"" if verdict.is_well else " bad"}"><p class="sentence">{escape(verdict.sentence)}</p>'
        f"{f'<ul>{reasons}</ul>' if reasons else ''}{notes}</div>"
    )


def _part(part: Plot | Table, name: str) -> str:
    title = escape(part.title)
    if isinstance(part, Plot):
        return f'<h2>{title}</h2>\n<img alt="{title}" src="{name}.png">'
    numeric = [_is_numeric([row[at] for row in part.rows]) for at in range(len(part.columns))]
    head = _row("th", part.columns, numeric)
    rows = "\n".join(_row("td", row, numeric) for row in part.rows)
    return (
        f'<h2>{title}</h2>\n<div class="wide"><table>\n<thead>{head}</thead>\n<tbody>\n{rows}\n</tbody></table></div>'
    )


def _is_numeric(column: Sequence[Cell]) -> bool:
    """Whether a column holds numbers and nothing else."""
    kept = [cell for cell in column if cell is not None]
    return bool(kept) and all(isinstance(cell, int | float) for cell in kept)


def _row(tag: str, cells: Sequence[Cell], numeric: Sequence[bool]) -> str:
    classes = [' class="number"' if is_number else "" for is_number in numeric]
    return (
        "<tr>"
        + "".join(f"<{tag}{name}>{escape(shown(cell))}</{tag}>" for cell, name in zip(cells, classes, strict=True))
        + "</tr>"
    )
