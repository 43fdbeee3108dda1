"""How far the platform's time has come, kept for the next start: what is stored may be ahead of a wall clock that was
set back while nothing ran."""

import asyncio
import contextlib
from pathlib import Path

from shared.clock import Clock
from shared.ending import ended
from shared.steady_clock import SteadyClock

KEPT_EVERY_S = 5.0


class ClockFile:
    """Keeps the time in a file from `start` to `close`."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Go on from where the last process was."""
        if isinstance(self._clock, SteadyClock):
            with contextlib.suppress(FileNotFoundError, ValueError):
                self._clock.go_on_from(float(self._path.read_text()))
        self._task = asyncio.create_task(self._run(), name="clock file")

    async def close(self) -> None:
        if self._task is not None:
            await ended(self._task)
            self._keep()

    async def _run(self) -> None:
        while True:
            self._keep()
            await asyncio.sleep(KEPT_EVERY_S)

    def _keep(self) -> None:
        with contextlib.suppress(OSError):  # the disk is full: the one before is good, too
            made = self._path.with_suffix(".new")
            made.write_text(f"{self._clock():.6f}\n")
            made.rename(self._path)
