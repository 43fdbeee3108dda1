"""Work that nobody asks for: a look for what is due, again and again."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from shared.ending import ended
from shared.telemetry.trouble import Trouble


class Looking:
    """Looks from `start` to `close`: at once, whenever it is woken, and every so often.

    look: does what is due, or begins it; returns in how many seconds to look again, None for `every_s`. What it raises
    goes into the log as `trouble`, and what was due stays so for the next look.
    """

    def __init__(
        self, look: Callable[[], Awaitable[float | None]], *, every_s: float, trouble: Trouble, name: str
    ) -> None:
        self._look = look
        self._every_s = every_s
        self._trouble = trouble
        self._name = name
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self._name)

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    async def close(self) -> None:
        """Stop where it stands."""
        await ended(self._task)

    async def _run(self) -> None:
        while True:
            again_s = None
            with self._trouble:
                again_s = await self._look()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._every_s if again_s is None else again_s)
            self._woken.clear()
