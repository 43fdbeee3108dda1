"""Work that leaves the event loop to others."""

import asyncio

import pytest

from services.consensus.sparing import REST, Sparing


async def test_it_rests_in_proportion_to_its_work(monkeypatch):
    clock, slept = [0.0], []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    sparing = Sparing(lambda: clock[0])
    for work_s in (0.01, 0.02):
        with sparing.work():
            clock[0] += work_s
    clock[0] += 5.0  # others worked
    await sparing.rest()
    await sparing.rest()
    assert slept == [pytest.approx(0.03 * REST), 0.0]
