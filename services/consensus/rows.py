"""Rows of CSV files that strangers wrote: read in bounded memory, refused in words that name the line."""

import csv
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from services.consensus.domain.book import MAX_NAME_LENGTH
from services.consensus.domain.limits import MAX_VOTES
from shared.errors import Invalid, QuorateError, TooLarge

MAX_COLUMNS = 100
MAX_LINES = 2 * MAX_VOTES
MAX_LINE_BYTES = 100_000
BOM = b"\xef\xbb\xbf"
_FAULTS = {
    "field larger": f"a cell has more than {MAX_NAME_LENGTH} characters",
    "new-line": "a carriage return stands within the line: lines end with LF or CRLF",
    "unexpected end": "a quoted cell is not closed",
    "','": "text stands behind the closing quote of a cell",
}
"""What the csv module says, by its beginning, and what it means."""

Reading = Callable[[int], None]
"""Called now and then with how many bytes were read."""


def for_each_row(path: Path, columns: Sequence[str], use: Callable[..., None], *, reading: Reading) -> None:
    """Call `use` with the cells of these columns, row by row; other columns are passed over. What is wrong with a row,
    or what `use` refuses, is raised with the file and the line."""
    with path.open("rb") as file, _cells_of(MAX_NAME_LENGTH):
        lines = _Lines(file, reading)
        try:
            for cells in _chosen(csv.reader(lines, strict=True), columns):
                use(*cells)
        except csv.Error as error:
            raise Invalid(f"{path}, line {lines.number}: {_meaning(error)}") from error
        except UnicodeDecodeError as error:
            raise Invalid(f"{path}, line {lines.number}: this is not text in UTF-8") from error
        except QuorateError as error:
            raise type(error)(f"{path}, line {lines.number}: {error.detail}") from error


class _Lines:
    """The lines of a file, none of them longer than the limit in memory; `number` is that of the last one."""

    def __init__(self, file: BinaryIO, reading: Reading) -> None:
        self.number = 1
        self._file = file
        self._reading = reading

    def __iter__(self) -> Iterator[str]:
        read_bytes = 0
        while line := self._file.readline(MAX_LINE_BYTES + 1):
            if len(line) > MAX_LINE_BYTES:
                raise TooLarge(f"the line is longer than {MAX_LINE_BYTES} bytes")
            if self.number > MAX_LINES:
                raise TooLarge(f"there are more than {MAX_LINES} lines")
            read_bytes += len(line)
            if self.number % 100_000 == 0:
                self._reading(read_bytes)
            yield (line.removeprefix(BOM) if self.number == 1 else line).decode()
            self.number += 1


def _chosen(rows: Iterator[list[str]], columns: Sequence[str]) -> Iterator[list[str]]:
    header = [name.strip() for name in next(rows, [])]
    places = _places(header, columns)
    for row in rows:
        if len(row) == len(header):
            yield [row[place] for place in places]
        elif row:
            raise Invalid(f"there are {len(row)} cells, and {len(header)} in the header")


def _places(header: Sequence[str], columns: Sequence[str]) -> list[int]:
    if len(header) > MAX_COLUMNS:
        raise TooLarge(f"there are {len(header)} columns; {MAX_COLUMNS} are allowed")
    for name in columns:
        if header.count(name) != 1:
            what = "is there more than once" if name in header else "is missing"
            raise Invalid(f"the column {name} {what}; a header names the columns {','.join(columns)}")
    return [header.index(name) for name in columns]


@contextmanager
def _cells_of(length: int) -> Generator[None]:
    """The csv module holds back cells that are longer; it has one limit for everybody in the process."""
    before = csv.field_size_limit(length)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _meaning(error: csv.Error) -> str:
    text = str(error)
    return next((meaning for beginning, meaning in _FAULTS.items() if text.startswith(beginning)), text)
