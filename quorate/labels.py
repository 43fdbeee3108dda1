"""Labels as they are given at the command line: cells of CSV, on one line or on many; or `@` and the file of them."""

import codecs
import csv
from io import StringIO
from pathlib import Path

import click

BLANKS = " \t"


def chosen(context: click.Context, option: click.Parameter, text: str | None) -> list[str]:
    """What the option says; the callback of click."""
    if text is None:
        return []
    try:
        return listed(read(Path(text[1:])) if text.startswith("@") else text)
    except OSError as error:
        hint = "To begin a label with @, put it in double quotes."
        raise click.BadParameter(f"{error.filename}: {error.strerror}. {hint}", context, option) from error
    except (ValueError, csv.Error) as error:
        raise click.BadParameter(str(error), context, option) from error


def read(path: Path) -> str:
    """The text of a file in UTF-8, or in UTF-16 as PowerShell writes it."""
    data = path.read_bytes()
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if is_utf16 else "utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text in UTF-8") from error


def listed(text: str) -> list[str]:
    """Without blanks around them, and without empty ones."""
    lines = StringIO(text.removeprefix("\ufeff"), newline="")
    cells = [cell.strip(BLANKS) for row in csv.reader(lines, skipinitialspace=True, strict=True) for cell in row]
    return [cell for cell in cells if cell]
