"""Where OpenCV works: never on the event loop, which every request and event shares."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class PictureThreads:
    """A few threads, each of which works on one picture at a time. What waits for them is bounded by who calls."""

    def __init__(self, number: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(number, thread_name_prefix=name)

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns. Raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def close(self) -> None:
        """Finish what is being worked on, and end the threads."""
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
