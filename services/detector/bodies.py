"""Bodies of requests in memory: limited together, and dropped when their caller disconnects."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from shared.errors import Unavailable

T = TypeVar("T")


class Bodies:
    """The bodies that are in memory now, at most `max_bytes` together."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held_bytes = 0

    @asynccontextmanager
    async def reading(self, request: Request) -> AsyncIterator[bytes]:
        """The body of a request; it counts until the block ends. Raises Unavailable if there is no room for it."""
        chunks: list[bytes] = []
        held_bytes = 0
        try:
            async for chunk in request.stream():
                if self._held_bytes + len(chunk) > self._max_bytes:
                    raise Unavailable("too many large requests are under way")
                self._held_bytes += len(chunk)
                held_bytes += len(chunk)
                chunks.append(chunk)
            chunks[:] = [b"".join(chunks)]
            yield chunks.pop()  # so that this frame does not keep it in memory
        finally:
            self._held_bytes -= held_bytes


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns, for a request whose body has been read; cancels it when the caller disconnects.

    Raises ClientDisconnect then, and what `work` raises.
    """
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        gone.cancel()
        working.cancel()
        del gone, working  # an error refers to this frame, which would keep the tasks and the body in memory
