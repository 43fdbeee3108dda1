"""A replica set before the harness's own database, in a thread of its own."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Self

from tests.replica.replica_set import ReplicaSet, replica_set

START_S = 10.0
DONE_S = 60.0


class SetThread:
    def __init__(self, behind: str) -> None:
        self._behind = behind
        self._is_up = threading.Event()
        self._ended: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._primary: ReplicaSet | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="replica set", daemon=True)

    def start(self) -> Self:
        self._thread.start()
        assert self._is_up.wait(START_S), "the replica set does not start"
        return self

    @property
    def url(self) -> str:
        assert self._primary is not None
        return self._primary.url

    def befall(self, work: Callable[[ReplicaSet], Awaitable[object]]) -> None:
        """Let something happen to it, and wait until it has."""

        async def done() -> None:
            assert self._primary is not None
            await work(self._primary)

        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(done(), self._loop).result(DONE_S)

    def stop(self) -> None:
        if self._loop is not None and self._ended is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(START_S)

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        async with replica_set(self._behind) as self._primary:
            self._is_up.set()
            await self._ended.wait()
