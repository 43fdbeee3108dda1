"""Cells of a CSV, for people who open it in a spreadsheet. Pure."""

import re
from typing import Any

_FORMULA = re.compile(r"[\t\r\n]|[\s\ufeff\u200b\x00-\x1f]*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""How a cell begins that a spreadsheet would run, some of them after they dropped blanks or folded wide signs."""


def cell(value: Any) -> Any:
    """A value as a cell that no spreadsheet runs."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value
