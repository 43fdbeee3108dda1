"""Files of votes and of true labels come in; a file of estimated labels goes out."""

import csv
import json
import os
import shutil
import sys
import uuid
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from services.consensus.domain.book import MAX_TASKS, VoteBook, check_name
from services.consensus.rows import Reading, for_each_row
from shared.cells import cell
from shared.errors import Invalid, TooLarge

VOTE_COLUMNS = ("task", "worker", "label")
GOLD_COLUMNS = ("task", "label")


def read_votes(path: Path, *, reading: Reading) -> VoteBook:
    """The votes of a file; a row without a label is a vote of somebody who was unsure."""
    book = VoteBook()
    for_each_row(path, VOTE_COLUMNS, lambda task, worker, label: book.add(task, worker, label or None), reading=reading)
    return book


def read_gold(path: Path, *, reading: Reading) -> dict[str, str]:
    """The true label of each task that the file names."""
    gold: dict[str, str] = {}

    def add(task: str, label: str) -> None:
        check_name("task", task)
        check_name("label", label)
        if len(gold) >= MAX_TASKS:
            raise TooLarge(f"there are more than {MAX_TASKS} tasks")
        if gold.setdefault(task, label) != label:
            raise Invalid(f"the task has another label further up: {json.dumps(gold[task])}")

    for_each_row(path, GOLD_COLUMNS, add, reading=reading)
    return gold


def write_labels(path: Path | None, columns: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Write labels as CSV; to stdout if there is no path. A name that a spreadsheet would run is made text."""
    with _target(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([cell(name) for name in line] for line in lines)


@contextmanager
def _target(path: Path | None) -> Generator[TextIO]:
    """A file that takes the place of the one that is there once it is whole. What is no file is written to."""
    if path is None:
        with TextIOWrapper(os.fdopen(os.dup(sys.stdout.fileno()), "wb"), "utf-8", newline="") as file:
            yield file
        return
    real = Path(os.path.realpath(path))
    if real.exists() and not real.is_file():
        with real.open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    beside = real.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with _opened(beside, path) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if real.exists():
            shutil.copymode(real, beside)
        beside.replace(real)
    finally:
        beside.unlink(missing_ok=True)


def _opened(beside: Path, target: Path) -> TextIO:
    try:
        return beside.open("x", encoding="utf-8", newline="")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(target)) from error
