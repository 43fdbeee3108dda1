"""`python -P -m services.consensus.making`: the process in which a run is made, so that it holds up no request.

It reads lines of JSON from stdin: what to do, the images, and `null`. It writes lines of JSON to stdout: what it does
at the moment, pages, and at the end the outcome, or why there is none. It ends at once when stdin is closed, which
whoever started it does at the latest by ending.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import BinaryIO

from shared.memory_bound import bound

NICER = 10
"""People who vote go first."""


def main() -> int:
    """Make one run within bounds of memory; returns the exit status."""
    with contextlib.suppress(OSError):  # a service manager may forbid it
        os.nice(NICER)
    bound(int(sys.argv[1]))
    try:
        _make(sys.stdin.buffer, sys.stdout.buffer)
    except MemoryError:
        sys.stdout.buffer.write(b'{"refused":"these votes take more memory than a run may have"}\n')
    sys.stdout.buffer.flush()
    return 0


def _make(source: BinaryIO, target: BinaryIO) -> None:
    import orjson  # noqa: PLC0415 - with all that follows it loads numpy, which reads the environment set above

    from services.consensus.estimating import Line, OfOperators, OfTask, Page  # noqa: PLC0415
    from shared.errors import QuorateError  # noqa: PLC0415

    def write(value: object) -> None:
        target.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))
        target.flush()

    wanted = orjson.loads(source.readline())
    task = wanted["kind"] == "task"
    maker = OfTask(wanted["methods"]) if task else OfOperators(wanted["now"])
    say = _Now(write)
    try:
        while sent := source.readline():
            if (line := orjson.loads(sent)) is None:
                break
            maker.add(Line(**line))
        else:
            return  # it was closed before all had been sent
        _end_with(source)
        for found in maker.found(say):
            write({"page": found} if isinstance(found, Page) else {"outcome": found})
    except QuorateError as error:
        write({"refused": error.detail})


class _Now:
    """Tells what is done at the moment, at most once in a while."""

    EVERY_S = 0.5

    def __init__(self, write: Callable[[object], None]) -> None:
        self._write = write
        self._told_at = 0.0

    def __call__(self, stage: str) -> None:
        now = time.monotonic()
        if now - self._told_at >= self.EVERY_S:
            self._told_at = now
            self._write({"stage": stage})


def _end_with(source: BinaryIO) -> None:
    """End this process when its stdin is closed, whatever it is doing."""

    def watch() -> None:
        source.read()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
