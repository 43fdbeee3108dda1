"""Names and labels of strangers on a terminal."""

import json
import sys
from io import BytesIO, TextIOWrapper

import pytest

from quorate.tables import show_table
from quorate.terminal import plain, show_json


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cat.jpg", "cat.jpg"),
        ("Zoë 猫 🐈", "Zoë 猫 🐈"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x9b31mred", "\\x9b31mred"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("two\nlines\r\t", "two\\nlines\\r\\t"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\u2066iso\u2069\u200f", "\\u2066iso\\u2069\\u200f"),
        ("a\u2028b", "a\\u2028b"),
        ("\udcff.jpg", "\\udcff.jpg"),
        ("\U000e0041tag", "\\U000e0041tag"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("del\x7f", "del\\x7f"),
        (7, "7"),
    ],
)
def test_only_what_is_plainly_visible_is_printed(text, shown):
    assert plain(text) == shown


@pytest.mark.parametrize("text", ["[red]label[/red]", "[/]", "[link=http://x]y[/link]", ":cat:", "\\[bold]"])
def test_markup_in_a_label_is_text(text, capsys):
    show_table(["label"], [[text]])
    assert text in capsys.readouterr().out


def test_a_table_holds_no_control_characters(capsys):
    show_table(["label"], [["\x1b[31mred\u202e"], [None]])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\\x1b[31mred\\u202e" in out


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_what_is_written_out_leaves_the_columns_straight(monkeypatch, encoding):
    out = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(out, encoding=encoding))
    show_table(["name", "labels"], [["Zoë 猫", 1], ["dog", 2]])
    sys.stdout.flush()
    lines = out.getvalue().decode(encoding).splitlines()
    assert any("\\u732b" in line for line in lines)
    assert len({len(line) for line in lines}) == 1


def test_long_names_stay_whole(capsys):
    show_table(["name"], [["n" * 150]])
    assert "n" * 150 in capsys.readouterr().out


def test_json_is_safe_and_exact(capsys):
    value = {"label": "\x1b[2J\u202e\x7f\x9b\udcff"}
    show_json(value)
    out = capsys.readouterr().out
    assert out.isascii()
    assert all(char >= " " and char != "\x7f" for char in out.removesuffix("\n"))
    assert json.loads(out) == value
