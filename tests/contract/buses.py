"""The bus on SQLite, for the contract suite."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.bus import Bus
from shared.bus.sqlite import SqliteBus
from tests.contract.adapters import ManualClock


@dataclass(kw_only=True)
class Buses:
    """A bus under test; `after_a_kill` opens what the next process would find had this one been killed now.

    `grow_old` lets messages age in their queues, which a broker knows only as real time: where it expires them, it may
    be late or early by `ttl_slack_s`.
    """

    bus: Bus
    clock: ManualClock
    delivery_limit: int
    optional_ttl_s: float
    after_a_kill: Callable[[], AbstractAsyncContextManager[Bus]]
    grow_old: Callable[[float], Awaitable[None]]
    ttl_slack_s: float = 0.0


def _left_behind(folder: Path) -> Path:
    """What is on the disk now, as the next process finds it."""
    left = folder / "left behind"
    left.mkdir()
    for file in folder.glob("bus.sqlite*"):
        if not file.name.endswith("-shm"):
            shutil.copy(file, left)
    return left


@asynccontextmanager
async def sqlite_buses(folder: Path) -> AsyncIterator[Buses]:
    clock = ManualClock()

    async def opened(path: Path) -> SqliteBus:
        bus = SqliteBus(path, clock, delivery_limit=4, optional_ttl_s=600.0)
        await bus.open()
        return bus

    @asynccontextmanager
    async def after_a_kill() -> AsyncIterator[Bus]:
        bus = await opened(_left_behind(folder) / "bus.sqlite")
        try:
            yield bus
        finally:
            await bus.close()

    async def grow_old(seconds: float) -> None:
        clock.now += seconds

    bus = await opened(folder / "bus.sqlite")
    yield Buses(
        bus=bus,
        clock=clock,
        delivery_limit=4,
        optional_ttl_s=600.0,
        after_a_kill=after_a_kill,
        grow_old=grow_old,
    )
    await bus.close()
