"""Work that leaves the event loop to others."""

import asyncio

import pytest

from services.consensus.sparing import REST, Sparing


class Work:
    """A clock of the work of a thread, in seconds."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def do(self, sparing: Sparing, work_s: float) -> None:
        with sparing.work():
            self.now += work_s


@pytest.fixture
def slept(monkeypatch) -> list[float]:
    """What was slept, at once."""
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return slept


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_all_who_share_a_loop_rest_in_proportion_to_the_work_of_all(slept):
    work = Work()
    sparing = Sparing(REST, work)
    for work_s in (0.1, 0.2):
        work.do(sparing, work_s)
    work.now += 5.0  # others worked
    latest = now() + 900
    async with asyncio.timeout(600) as first, asyncio.timeout(600) as second:
        await sparing.rest(first, latest)
        work.do(sparing, 0.1)
        await sparing.rest(second, latest)
    assert slept == [pytest.approx(0.3 * REST), pytest.approx(0.4 * REST, abs=0.1)]


async def test_rests_are_no_part_of_the_time_of_a_run_until_the_latest(slept):
    work = Work()
    sparing = Sparing(REST, work)
    latest = now() + 70
    async with asyncio.timeout(30) as bound:
        for _ in range(3):
            work.do(sparing, 30 / REST)
            await sparing.rest(bound, latest)
        assert bound.when() == pytest.approx(latest)
    assert slept == [pytest.approx(30), pytest.approx(10, abs=0.1), pytest.approx(0, abs=0.1)]


async def test_without_others_nothing_rests(slept):
    work = Work()
    sparing = Sparing(0.0, work)
    async with asyncio.timeout(30) as bound:
        work.do(sparing, 9.0)
        await sparing.rest(bound, now() + 30)
    assert slept == [0.0]
