"""Cells of a CSV: what a spreadsheet would run is made text."""

import re
from typing import Any

_FORMULA = re.compile(r"[\t\r\n]|[\s\ufeff\u200b\x00-\x1f]*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""How a cell begins that a spreadsheet would run, some of them after they dropped blanks or folded wide signs."""
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
"""Begins like a formula, and is none."""


def text_of(written: str) -> str:
    """The text that `cell` wrote so."""
    return written[1:] if written.startswith("'") and cell(written[1:]) == written else written


def cell(value: Any) -> Any:
    """A value as a cell that no spreadsheet runs."""
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value
