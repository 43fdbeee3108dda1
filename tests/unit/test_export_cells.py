"""Cells of a CSV that a spreadsheet would run are made text, and no other is altered."""

import pytest

from shared.cells import cell

SIGNS = ["=", "+", "-", "@", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}", "\N{FULLWIDTH HYPHEN-MINUS}"]
SIGNS.append("\N{FULLWIDTH COMMERCIAL AT}")
BEFORE = [
    "",
    " ",
    "   ",
    "\t",
    "\r",
    "\n",
    "\r\n",
    "\N{NO-BREAK SPACE}",
    "\N{IDEOGRAPHIC SPACE}",
    "\ufeff",
    "\u200b",
    "\0",
]


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("sign", SIGNS)
def test_formulas(before, sign):
    assert cell(f"{before}{sign}cmd()") == f"'{before}{sign}cmd()"


@pytest.mark.parametrize("text", ["\tx", "\rx", "\nx", "\n"])
def test_what_moves_to_the_next_cell(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["", " ", "a=b", "cat", " cat", "1-1", "'=", "a@b", None, 5, -5, 0.5, True])
def test_all_else_stays(value):
    assert cell(value) == value
