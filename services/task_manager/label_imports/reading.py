"""What the readers of all formats share: what they are given, and how they take a row, a name, a number, a line."""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from services.task_manager.archives import ArchiveLimits, EntrySkipped
from services.task_manager.label_imports.notebook import Notebook
from services.task_manager.label_imports.rows import BadRow, Names, Row, Unread
from shared.errors import QuorateError

log = logging.getLogger(__name__)

MAX_LINE_BYTES = 1_000_000
MAX_ROW_OBJECTS = 1_000
"""Of one row; of them `shared.proposals.MAX_OBJECTS` are kept."""
TOO_MANY = f"it has more than {MAX_ROW_OBJECTS:,} objects"
UNEXPECTED = "an error that nobody expected, which the platform has logged"
MAX_NAME_SHOWN = 1_000
"""So much of a name is repeated in the report."""
_ID = re.compile(r"[0-9a-f]{32}")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The file of labels, and what its reader works with."""

    file: IO[bytes]
    size_bytes: int
    notebook: Notebook
    archives: ArchiveLimits


Reader = Callable[[Source], Iterator[Row | Unread]]
"""Reads a file. Raises one of `shared.errors` at once where it is none of the format; then it gives the rows, one by
one, and what is wrong with one concerns no other."""


def read_row(number: int, name: str, read: Callable[[], Row | Unread]) -> Row | Unread:
    """What `read` makes of one row. Whatever it raises concerns this row alone: the rest follows."""
    try:
        return read()
    except EntrySkipped as skipped:
        return Unread(number=number, name=name, reason=str(skipped), is_passed_over=True)
    except QuorateError as error:
        return Unread(number=number, name=name, reason=error.detail)
    except Exception:
        log.exception("row %d of an import could not be read", number)
        return Unread(number=number, name=name, reason=UNEXPECTED)


def names_of(*, image_id: str | None = None, sha256: str | None = None, filename: str | None = None) -> Names:
    """How a row names its image; a file may have an image's id for its name, as those that were exported here have.

    Raises BadRow where it names none, or not in the form of a hash.
    """
    if not (image_id or sha256 or filename):
        raise BadRow("it names no image: it takes an id, a sha256, or a filename")
    if sha256 and not _SHA256.fullmatch(sha256):
        raise BadRow("the sha256 is not 64 hexadecimal digits")
    stem = PurePosixPath((filename or "").replace("\\", "/")).stem
    return Names(
        ids=tuple(one for one in (image_id, stem) if one and _ID.fullmatch(one)),
        sha256=(sha256.lower(),) if sha256 else (),
        filenames=(filename,) if filename else (),
    )


def confidence_of(value: object) -> float:
    """How sure a row is; entirely where it does not say. Raises BadRow."""
    if value is None:
        return 1.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BadRow("the confidence is not a number from 0 to 1")
    return float(value)


def number_of(value: object, what: str) -> float:
    """Raises BadRow for what is not a finite number, of less than ten digits."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e9 <= value <= 1e9:  # noqa: PLR2004 - no picture is so large
        raise BadRow(f"{what} is not a number of pixels")
    return float(value)


def shown(name: object) -> str:
    """A name as the report repeats it."""
    return str(name)[:MAX_NAME_SHOWN]


def lines(file: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """The lines of a file with their numbers, from 1 on; None in place of one that is too long."""
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) <= MAX_LINE_BYTES:
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE_BYTES)
        yield number, None
