"""Ends a process whose engines all hang: nothing ends a thread, and what the process holds goes back to the others."""

import asyncio
import logging
from collections.abc import Callable

from services.detector.pool import InferencePool
from shared.ending import ended

log = logging.getLogger(__name__)

LOOK_S = 1.0
GRACE_S = 5.0
"""Before the end: what the engines hang at is given up first, and told of, else it would come back and hang the next
process."""


class HangWatch:
    """Looks at a pool again and again; calls `end` where it has hung for `grace_s` seconds. Not for a process that has
    other work."""

    def __init__(
        self, pool: InferencePool, end: Callable[[], object], *, look_s: float = LOOK_S, grace_s: float = GRACE_S
    ) -> None:
        self._pool = pool
        self._end = end
        self._look_s = look_s
        self._grace_s = grace_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="watch the engines")

    async def close(self) -> None:
        await ended(self._task)

    async def _run(self) -> None:
        while self._pool.hangs_for_s <= self._grace_s:  # noqa: ASYNC110 - a thread that hangs does not tell
            await asyncio.sleep(self._look_s)
        log.critical("every engine hangs: the process ends, so that it is started anew")
        self._end()
