"""How tasks of the loop are ended."""

import asyncio
from typing import Any

AGAIN_S = 5.0
"""So long a task may take to tidy up, before it is cancelled again."""


async def ended(*tasks: "asyncio.Task[Any] | None") -> None:
    """Cancel tasks until all have ended, with whatever they end.

    One cancellation is not enough: before Python 3.12, `asyncio.wait_for` loses one that comes just when what it waits
    for is done, and the task would go on for ever.
    """
    running = {task for task in tasks if task is not None}
    while running:
        for task in running:
            task.cancel()
        done, running = await asyncio.wait(running, timeout=AGAIN_S)
        for task in done:
            _ = task.cancelled() or task.exception()  # looked at, so that asyncio does not log it
