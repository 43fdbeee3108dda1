"""Work on the event loop that leaves most of it to others."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

REST = 19.0
"""For each second of work, so many are left to others: requests in the same process are held up by one part in twenty
at the most."""


class Sparing:
    """Adds up how long the thread of the event loop worked, and rests in proportion: one for all runs of a process.

    rest: seconds for each second of work; 0 where nobody else needs the loop.
    """

    def __init__(self, rest: float, worked_s: Callable[[], float] = time.thread_time) -> None:
        self._rest = rest
        self._worked_s = worked_s
        self._owed_s = 0.0
        self._until = 0.0
        """By the clock of the loop: until then others have it."""

    @contextmanager
    def work(self) -> Iterator[None]:
        """A block that awaits nothing."""
        began = self._worked_s()
        try:
            yield
        finally:
            self._owed_s += self._rest * (self._worked_s() - began)

    async def rest(self, bound: asyncio.Timeout, latest: float) -> None:
        """For as long as all work so far asks for. The bound is put off by as much, but not beyond `latest`: once it is
        there, the work goes on without rests."""
        owed_s, self._owed_s = self._owed_s, 0.0
        now = asyncio.get_running_loop().time()
        ends_at = bound.when() or latest
        rest_s = min(max(self._until, now) + owed_s - now, latest - ends_at)
        self._until = max(self._until, now + rest_s)
        if not bound.expired():
            bound.reschedule(ends_at + rest_s)
        await asyncio.sleep(rest_s)
