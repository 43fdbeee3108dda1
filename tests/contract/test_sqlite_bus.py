"""What only the bus of the embedded profile has: one process is all there is, and may die of what it was given."""

import asyncio
from pathlib import Path

import pytest

from shared.bus.sqlite import KILLED, SqliteBus
from shared.events import Message
from tests.contract.adapters import ManualClock
from tests.contract.deliveries import QUEUE, event
from tests.service.step_bench import opening, step

STEPS = "worker.step.opened.rotate.v1"
LIMIT = 3


async def killed_with(folder: Path, queue: str) -> list[str]:
    """Open the bus, kill the process once it was given the queue's message, and return what is dead by then."""
    bus = SqliteBus(folder / "bus.sqlite", ManualClock(), delivery_limit=LIMIT)
    await bus.open()
    dead = [letter.reason for letter in await bus.dead_letters(10)]
    given = asyncio.Event()

    async def handler(_event) -> None:
        given.set()
        await asyncio.Event().wait()

    if not dead:
        bus.consume(queue, handler, prefetch=1)
        async with asyncio.timeout(10):
            await given.wait()
        [consumer] = bus._consumers.values()
        for task in (consumer._task, *consumer._running):
            task.cancel()
        await asyncio.gather(consumer._task, *consumer._running, return_exceptions=True)
    await bus.database.close()
    return dead


@pytest.mark.parametrize(
    ("queue", "message", "expected"), [(STEPS, step(opening(("rotate", 90))), [KILLED]), (QUEUE, event(1), [])]
)
async def test_a_step_that_the_platform_dies_of_becomes_a_dead_letter(
    tmp_path, queue: str, message: Message, expected: list[str]
):
    bus = SqliteBus(tmp_path / "bus.sqlite", ManualClock())
    await bus.open()
    await bus.publish([message])
    await bus.close()
    for _ in range(LIMIT):
        assert await killed_with(tmp_path, queue) == []
    assert await killed_with(tmp_path, queue) == expected
