import asyncio
import contextlib

from shared import ending
from shared.ending import ended


async def test_a_task_that_lost_its_cancellation_ends_all_the_same(monkeypatch):
    monkeypatch.setattr(ending, "AGAIN_S", 0.01)
    losses = 0

    async def lose_two() -> None:
        nonlocal losses
        while losses < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                losses += 1
        await asyncio.Event().wait()

    loser = asyncio.create_task(lose_two())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await ended(loser, None)
    assert loser.cancelled()
    assert losses == 2


async def test_it_does_not_matter_how_tasks_end(monkeypatch):
    async def fail() -> None:
        raise ValueError("no")

    async def tidy() -> str:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.sleep(0.01)
        return "tidy"

    failed, done, tidied = (
        asyncio.create_task(fail()),
        asyncio.create_task(asyncio.sleep(0)),
        asyncio.create_task(tidy()),
    )
    await asyncio.sleep(0.005)
    await ended(failed, done, tidied)
    assert isinstance(failed.exception(), ValueError)
    assert done.done()
    assert tidied.result() == "tidy"


async def test_nothing_to_end_is_nothing_to_wait_for():
    await ended()
    await ended(None)
