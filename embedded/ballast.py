"""A file that takes room on the disk, to be let go where the disk is full: cancelling a task has to be written down
before its images can be erased."""

import asyncio
import contextlib
import logging
import os
import shutil
from pathlib import Path

from shared.ending import ended

log = logging.getLogger(__name__)

BALLAST_BYTES = 4_000_000
"""Much more than a cancelled task takes in all databases."""
LOOK_S = 5.0
"""Between looks whether there is room for it."""


class Ballast:
    """Keeps the file from `start` to `close`, and makes it again once it was let go and the disk has room."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """The file is made a little later: a start does not wait for it."""
        self._task = asyncio.create_task(self._run(), name="ballast")

    async def close(self) -> None:
        await ended(self._task)

    def let_go(self) -> bool:
        """Give the file's room to whoever needs it now; says whether there was any."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        log.warning("the disk is full: the ballast was let go", extra={"bytes": BALLAST_BYTES})
        return True

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            if not self._path.exists() and shutil.disk_usage(self._path.parent).free >= 4 * BALLAST_BYTES:
                await asyncio.to_thread(self._make)

    def _make(self) -> None:
        made = self._path.with_suffix(".new")
        with contextlib.suppress(OSError):  # the room is gone again
            with made.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, BALLAST_BYTES)
                os.fsync(file.fileno())
            made.rename(self._path)
