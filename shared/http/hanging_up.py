"""Work for callers who may disconnect before it is done."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

T = TypeVar("T")


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns; cancels it when the caller disconnects. What is left of the request's body is not read.

    Raises ClientDisconnect then, and what `work` raises.
    """
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        gone.cancel()
        working.cancel()
        del gone, working  # an error refers to this frame, which would keep the tasks and the body in memory


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
