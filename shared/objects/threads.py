"""The threads for the blocking calls of an object store."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from shared.errors import Unavailable

T = TypeVar("T")

MAX_WAITING = 1_000


class Threads:
    """A pool of threads, for at most MAX_WAITING calls that run or wait."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._executor = ThreadPoolExecutor(size, thread_name_prefix="objects")
        self._waiting = 0

    def shares(self, items: Sequence[T]) -> list[Sequence[T]]:
        """The items in one part for each thread, none of them empty."""
        return [items[start :: self._size] for start in range(min(self._size, len(items)))]

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` in a thread. Raises Unavailable if too many calls wait, and what `work` raises."""
        if self._waiting >= MAX_WAITING:
            raise Unavailable("too many object operations are waiting")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Finish what runs."""
        await asyncio.to_thread(self._executor.shutdown)
