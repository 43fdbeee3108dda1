"""Calls that come while one is under way are made together, in one call after it: the more there are, the less each
costs, and one that comes alone waits for nobody."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from shared.errors import QuorateError

A = TypeVar("A")
R = TypeVar("R")


MOST = 100


class Batcher(Generic[A, R]):
    """`work` answers for many at once, in their order, `most` of them at the most.

    A QuorateError that it raises, all of them get. After anything else it is asked for each alone, so that one for whom
    it cannot be done keeps nobody else from it: it has to be such that it may be done twice.
    """

    def __init__(self, work: Callable[[Sequence[A]], Awaitable[Sequence[R]]], *, most: int = MOST) -> None:
        self._work = work
        self._most = most
        self._waiting: list[tuple[A, asyncio.Future[R]]] = []
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, asked: A) -> R:
        """The answer of a call that began after this one."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        try:
            while self._waiting:
                some, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._answer(some)
        finally:
            self._running = None
            for _, answer in self._waiting:  # only where this was cancelled
                answer.cancel()

    async def _answer(self, some: Sequence[tuple[A, asyncio.Future[R]]]) -> None:
        try:
            answers = await self._work([asked for asked, _ in some])
            for (_, answer), given in zip(some, answers, strict=True):
                if not answer.done():  # who asked may have gone
                    answer.set_result(given)
        except Exception as error:  # noqa: BLE001 - whoever asked gets it
            if len(some) == 1 or isinstance(error, QuorateError):
                _fail(some, error)
                return
            for one in some:
                await self._answer([one])
        except BaseException:
            for _, answer in some:
                answer.cancel()
            raise


def _fail(some: Sequence[tuple[Any, asyncio.Future[Any]]], error: Exception) -> None:
    for _, answer in some:
        if not answer.done():
            answer.set_exception(error)
