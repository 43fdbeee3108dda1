"""Events for the suites of the bus, and handlers that note what they are given."""

import asyncio

from shared.events import Message, TaskCancelledV1, TaskEnded, envelope, message
from tests.contract.adapters import T0

QUEUE = "subtask_manager.task.cancelled.v1"
OPTIONAL = "detector.task.cancelled.v1"
OTHER = "consensus.task.cancelled.v1"
"""The queue of another service that hears of it."""
TYPE = "task.cancelled.v1"
PATIENCE_S = 20.0
"""How long a test waits for what must happen at once: only a broken bus takes it."""


def event(number: int) -> Message:
    data = TaskEnded(task_id=f"{number:032x}", owner="owner", at=T0)
    return message(
        TaskCancelledV1(**envelope(event_id=f"event {number}", source="tests", subject="x", at=T0), data=data)
    )


class Handler:
    """Notes what it is given, and fails as told."""

    def __init__(self, clock=lambda: 0.0) -> None:
        self.seen: list[int] = []
        self.times: list[float] = []
        self.failures: dict[int, list[Exception]] = {}
        self.running = self.most_running = 0
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self._clock = clock
        self._changed = asyncio.Condition()

    async def __call__(self, given) -> None:
        number = int(given.data.task_id, 16)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        async with self._changed:
            self.seen.append(number)
            self.times.append(self._clock())
            self._changed.notify_all()
        try:
            await self.may_go_on.wait()
            if self.failures.get(number):
                raise self.failures[number].pop(0)
        finally:
            self.running -= 1

    async def until(self, is_enough) -> None:
        async with asyncio.timeout(PATIENCE_S), self._changed:
            await self._changed.wait_for(lambda: is_enough(self.seen))


async def until(is_so) -> None:
    """Wait for what is seen only by asking."""
    async with asyncio.timeout(PATIENCE_S):
        while not await is_so():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.002)


async def until_dead(bus, count: int):
    async def are_dead() -> bool:
        return len(await bus.dead_letters(100)) >= count

    await until(are_dead)
    return await bus.dead_letters(100)
