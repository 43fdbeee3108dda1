"""A batcher: items that arrive while a call is under way share the next call. So an item costs less under load, and one
that arrives alone does not wait."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from shared.errors import QuorateError

A = TypeVar("A")
R = TypeVar("R")


MOST = 100


class Batcher(Generic[A, R]):
    """Calls `work` with up to `most` items; `work` returns their answers in order.

    If `work` raises a QuorateError, every caller of the batch gets it. After any other error `work` is called for each
    item alone, so that one bad item does not fail the others. `work` must therefore be repeatable.
    """

    def __init__(self, work: Callable[[Sequence[A]], Awaitable[Sequence[R]]], *, most: int = MOST) -> None:
        self._work = work
        self._most = most
        self._waiting: list[tuple[A, asyncio.Future[R]]] = []
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, item: A) -> R:
        """The answer for an item, from a call of `work` that begins after this call."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._answer(batch)
        finally:
            self._running = None
            for _, answer in self._waiting:  # only where this was cancelled
                answer.cancel()

    async def _answer(self, batch: Sequence[tuple[A, asyncio.Future[R]]]) -> None:
        try:
            answers = await self._work([item for item, _ in batch])
            for (_, answer), given in zip(batch, answers, strict=True):
                if not answer.done():  # its caller may have been cancelled
                    answer.set_result(given)
        except Exception as error:  # noqa: BLE001 - the caller gets it
            if len(batch) == 1 or isinstance(error, QuorateError):
                _fail(batch, error)
                return
            for entry in batch:
                await self._answer([entry])
        except BaseException:
            for _, answer in batch:
                answer.cancel()
            raise


def _fail(batch: Sequence[tuple[Any, asyncio.Future[Any]]], error: Exception) -> None:
    for _, answer in batch:
        if not answer.done():
            answer.set_exception(error)
