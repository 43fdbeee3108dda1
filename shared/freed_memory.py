"""Memory that was freed goes back to the system, for as long as a process serves."""

import asyncio
import ctypes

from shared.ending import ended

EVERY_S = 20.0


def give_back() -> None:
    """Have glibc return every page that is free, also between blocks in use; other C libraries are left alone.

    By itself glibc returns only what lies behind the last block in use: after a minute of odd bodies, a process kept
    60 MB of nothing.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        library.malloc_trim(0)


class FreedMemory:
    """Gives it back now and then, from `start` to `close`."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="freed memory")

    async def close(self) -> None:
        await ended(self._task)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            await asyncio.to_thread(give_back)
