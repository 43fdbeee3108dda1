"""Calls that are made together."""

import asyncio

import pytest

from shared.together import Together


class Work:
    """Doubles numbers, when it may; refuses those below zero, and with them all that came along."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.may = asyncio.Event()
        self.may.set()

    async def __call__(self, asked):
        self.calls.append([*asked])
        await self.may.wait()
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
    double = Together(work, most=10)
    assert [await double(1), await double(2)] == [2, 4]
    assert work.calls == [[1], [2]]


async def test_those_who_come_while_a_call_is_under_way_are_answered_by_one_that_begins_later(work):
    double = Together(work, most=3)
    work.may.clear()
    first = await begun(double(1))
    others = await begun(*(double(number) for number in range(2, 7)))
    work.may.set()
    assert await asyncio.gather(*first, *others) == [2, 4, 6, 8, 10, 12]
    assert work.calls == [[1], [2, 3, 4], [5, 6]]


async def test_a_failure_reaches_those_who_came_together_and_nobody_else(work):
    double = Together(work, most=2)
    work.may.clear()
    first = await begun(double(1))
    others = await begun(double(-2), double(3), double(4))
    work.may.set()
    answers = await asyncio.gather(*first, *others, return_exceptions=True)
    assert [repr(one) for one in answers] == ["2", *["ValueError('below zero')"] * 2, "8"]
    assert await double(5) == 10


async def test_who_goes_away_keeps_nobody_from_their_answer(work):
    double = Together(work, most=10)
    work.may.clear()
    gone, first, second = await begun(double(1), double(2), double(3))
    gone.cancel()
    second.cancel()
    await asyncio.sleep(0)
    work.may.set()
    assert await first == 4
    assert gone.cancelled()
    assert second.cancelled()
