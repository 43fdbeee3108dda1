"""Progress bars: on stderr, and only where that is a terminal."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

Report = Callable[[int, int], None]
"""Called with how much is done and how much there is."""


@contextmanager
def bar(what: str) -> Generator[Report]:
    if not sys.stderr.isatty():
        yield _unseen
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        shown = progress.add_task(what, total=None)

        def report(done: int, total: int) -> None:
            progress.update(shown, completed=done, total=total)

        yield report


@contextmanager
def counted_bytes(what: str) -> Generator[Callable[[int], None]]:
    """For what nobody knows the size of: how many bytes came, how fast, and for how long."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), DownloadColumn(), TransferSpeedColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        shown = progress.add_task(what, total=None)
        yield lambda size_bytes: progress.update(shown, completed=size_bytes)


def _unseen(done: int, total: int) -> None:
    """Nobody looks."""
