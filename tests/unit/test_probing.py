"""Whether something can be used is tried, not guessed: rarely, by one for all who ask, and within a time."""

import asyncio

import pytest

from shared.errors import StorageFull
from shared.probing import Probe


class Attempts:
    def __init__(self) -> None:
        self.count = 0
        self.fault: Exception | None = None
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def __call__(self) -> None:
        self.count += 1
        await self.may_go_on.wait()
        if self.fault is not None:
            raise self.fault


async def test_an_answer_holds_for_a_while_and_is_told_once(caplog: pytest.LogCaptureFixture):
    at, attempts = [0.0], Attempts()
    caplog.set_level("INFO")
    probe = Probe("tasks.sqlite", attempts, now=lambda: at[0])
    assert [await probe() for _ in range(3)] == [True] * 3
    attempts.fault = StorageFull("there is no room left")
    assert await probe()
    for _ in range(3):
        at[0] += 5
        assert not await probe()
    attempts.fault = None
    at[0] += 5
    assert await probe()
    assert attempts.count == 5
    assert [one.getMessage() for one in caplog.records] == [
        "tasks.sqlite cannot be used: there is no room left",
        "tasks.sqlite can be used again",
    ]


async def test_all_who_ask_share_one_try_which_takes_no_longer_than_it_may():
    attempts = Attempts()
    attempts.may_go_on.clear()
    probe = Probe("it", attempts, takes_s=0.05)
    impatient = asyncio.create_task(probe())
    await asyncio.sleep(0)
    impatient.cancel()
    assert await asyncio.gather(*(probe() for _ in range(5))) == [False] * 5
    assert attempts.count == 1


async def test_whatever_goes_wrong_it_cannot_be_used():
    attempts = Attempts()
    attempts.fault = OSError("nobody expected this")
    assert not await Probe("it", attempts)()
