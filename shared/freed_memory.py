"""Memory that was freed goes back to the system, for as long as a process serves."""

import asyncio
import ctypes

from shared.ending import ended

EVERY_S = 20.0
_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of glibc's malloc.h
_LARGE_BYTES = 4_000_000


def give_back() -> None:
    """Have glibc return every page that is free, also between blocks in use; other C libraries are left alone.

    By itself glibc returns only what lies behind the last block in use: after a minute of odd bodies, a process kept
    60 MB of nothing.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        library.malloc_trim(0)


def give_back_large_blocks() -> None:
    """Have glibc map blocks of several megabytes by themselves for as long as the process lives.

    Left alone it comes to keep blocks of up to 32 MB in every thread's arena: four threads that had each decoded one
    picture of 6 megapixels held 200 MB of nothing. Other C libraries are left as they are.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        library.mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)


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
