"""Text on its way to a terminal. Strangers wrote names and labels: none may move the cursor or turn a line round."""

import json
import sys
import unicodedata

import click

UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
JOINERS = "\u200c\u200d"
"""Without effect on their surroundings, and part of the spelling of some languages and of emoji."""


def plain(text: object) -> str:
    """The text with whatever is not plainly visible (controls, escapes, direction marks, line ends) written out."""
    return "".join(
        char if char in JOINERS or unicodedata.category(char) not in UNSEEN else char.encode("unicode_escape").decode()
        for char in str(text)
    )


def show(text: object) -> None:
    """A line of the command's answer."""
    click.echo(plain(text))


def say(text: object) -> None:
    """A line about the work, on stderr."""
    click.echo(plain(text), err=True)


def is_asked() -> bool:
    """Whether a person is there to answer."""
    return sys.stdin.isatty()


def show_json(value: object) -> None:
    """A JSON document in one line, in ASCII: safe on any terminal."""
    click.echo(json.dumps(value).replace("\x7f", "\\u007f"))
