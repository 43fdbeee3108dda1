"""A server of the harness, in a thread and a loop of its own."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Generic, Self, TypeVar

T = TypeVar("T")

START_S = 10.0
DONE_S = 60.0


class InThread(Generic[T]):
    """`opened` opens the server, and closes it."""

    def __init__(self, opened: AbstractAsyncContextManager[T]) -> None:
        self._opened = opened
        self._is_up = threading.Event()
        self._ended: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: T | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="server", daemon=True)

    def start(self) -> Self:
        self._thread.start()
        assert self._is_up.wait(START_S), "a server of the harness does not start"
        return self

    @property
    def server(self) -> T:
        assert self._server is not None
        return self._server

    def befall(self, work: Callable[[T], Awaitable[object]]) -> None:
        """Let something happen to it, and wait until it has."""

        async def done() -> None:
            await work(self.server)

        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(done(), self._loop).result(DONE_S)

    def stop(self) -> None:
        if self._loop is not None and self._ended is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(START_S)

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        async with self._opened as self._server:
            self._is_up.set()
            await self._ended.wait()
