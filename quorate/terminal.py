"""Text on its way to a terminal. Strangers wrote names and labels: none may move the cursor or turn a line round."""

import json
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from io import TextIOWrapper
from itertools import islice
from typing import TypeVar

import click

T = TypeVar("T")
UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
JOINERS = "\u200c\u200d"
"""Without effect on their surroundings, and part of the spelling of some languages and of emoji."""


def write_out_what_is_lacking() -> None:
    """From here on, a character that an output's encoding lacks is written out, and ends no command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def plain(text: object) -> str:
    """The text with whatever is not plainly visible (controls, escapes, direction marks, line ends) written out."""
    return "".join(
        char if char in JOINERS or unicodedata.category(char) not in UNSEEN else char.encode("unicode_escape").decode()
        for char in str(text)
    )


def show(text: object) -> None:
    """A line of the command's answer."""
    # The stream itself: click would write UTF-8 where the encoding is ASCII.
    click.echo(plain(text), file=sys.stdout)


def say(text: object) -> None:
    """A line about the work, on stderr."""
    click.echo(plain(text), err=True)


def is_asked() -> bool:
    """Whether a person is there to answer."""
    return sys.stdin.isatty()


def first(found: Iterable[T], limit: int, what: str) -> Iterator[T]:
    """So many; then a word on stderr where there are more."""
    items = iter(found)
    yield from islice(items, limit)
    if next(items, None) is not None:
        say(f"only the first {limit} {what} are shown: see --limit")


def show_json(value: object) -> None:
    """A JSON document in one line, in ASCII: safe on any terminal."""
    click.echo(json.dumps(value).replace("\x7f", "\\u007f"))
