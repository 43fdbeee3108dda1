"""Work on the event loop that leaves most of it to others."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

REST = 19
"""For each second of work, so many are left to others: requests in the same process are held up by one part in twenty
at the most."""


class Sparing:
    """Adds up how long the thread of the event loop worked, and rests in proportion."""

    def __init__(self, worked_s: Callable[[], float] = time.thread_time) -> None:
        self._worked_s = worked_s
        self._owed_s = 0.0

    @contextmanager
    def work(self) -> Iterator[None]:
        """A block that awaits nothing."""
        began = self._worked_s()
        try:
            yield
        finally:
            self._owed_s += REST * (self._worked_s() - began)

    async def rest(self) -> None:
        """For as long as the work since the last time asks for."""
        owed_s, self._owed_s = self._owed_s, 0.0
        await asyncio.sleep(owed_s)
