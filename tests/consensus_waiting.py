"""How tests wait for consensus runs, whose processes go behind all others of a busy machine."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
MADE_WITHIN_S = 180


async def until(look: Callable[[], Awaitable[T]], what: str) -> T:
    """What `look` returns, once it is something."""
    end = time.monotonic() + MADE_WITHIN_S
    while time.monotonic() < end:
        if found := await look():
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"not within {MADE_WITHIN_S} s: {what}")
