"""Calls that are made together."""

import asyncio

import pytest

from shared.batcher import Batcher
from shared.errors import Unavailable


class Work:
    """Doubles numbers, when it may; a number below zero spoils the whole call."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.is_away = False
        self.may = asyncio.Event()
        self.may.set()

    async def __call__(self, asked):
        self.calls.append([*asked])
        await self.may.wait()
        if self.is_away:
            raise Unavailable("away")
        if min(asked) < 0:
            raise ValueError("below zero")
        return [2 * one for one in asked]


@pytest.fixture
async def work():
    return Work()


async def begun(*calls) -> list[asyncio.Task]:
    tasks = [asyncio.create_task(call) for call in calls]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_who_comes_alone_waits_for_nobody(work):
    double = Batcher(work, most=10)
    assert [await double(1), await double(2)] == [2, 4]
    assert work.calls == [[1], [2]]


async def test_those_who_come_while_a_call_is_under_way_are_answered_by_one_that_begins_later(work):
    double = Batcher(work, most=3)
    work.may.clear()
    first = await begun(double(1))
    others = await begun(*(double(number) for number in range(2, 7)))
    work.may.set()
    assert await asyncio.gather(*first, *others) == [2, 4, 6, 8, 10, 12]
    assert work.calls == [[1], [2, 3, 4], [5, 6]]


async def test_one_for_whom_it_cannot_be_done_keeps_nobody_else_from_it(work):
    double = Batcher(work, most=10)
    answers = await asyncio.gather(double(1), double(-2), double(3), return_exceptions=True)
    assert [repr(one) for one in answers] == ["2", "ValueError('below zero')", "6"]
    assert work.calls == [[1, -2, 3], [1], [-2], [3]]
    assert await double(5) == 10


async def test_what_is_away_is_not_asked_again_for_each(work):
    double = Batcher(work, most=2)
    work.is_away = True
    answers = await asyncio.gather(double(1), double(2), double(3), return_exceptions=True)
    assert [type(one) for one in answers] == [Unavailable] * 3
    assert work.calls == [[1, 2], [3]]


async def test_when_the_work_is_cancelled_nobody_waits_for_ever(work):
    double = Batcher(work, most=1)
    work.may.clear()
    tasks = await begun(double(1), double(2))
    double._running.cancel()
    await asyncio.wait(tasks, timeout=5)
    assert [task.cancelled() for task in tasks] == [True, True]


async def test_who_goes_away_keeps_nobody_from_their_answer(work):
    double = Batcher(work, most=10)
    work.may.clear()
    gone, first, second = await begun(double(1), double(2), double(3))
    gone.cancel()
    second.cancel()
    await asyncio.sleep(0)
    work.may.set()
    assert await first == 4
    assert gone.cancelled()
    assert second.cancelled()
