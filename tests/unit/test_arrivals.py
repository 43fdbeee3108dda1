"""A read waits for what is on its way, and never longer than it may."""

import asyncio
from pathlib import Path

from shared import arrivals
from shared.arrivals import Arrivals
from shared.bus.sqlite import SqliteBus


async def test_a_read_ends_in_time_though_its_cancellation_is_lost(tmp_path: Path, monkeypatch):
    """Before Python 3.12, what a driver awaits may end with an answer just as it is cancelled."""
    monkeypatch.setattr(arrivals, "PATIENCE_S", 0.05)
    lost = 0

    async def is_done() -> bool:
        nonlocal lost
        try:
            await asyncio.sleep(0.2)
        except asyncio.CancelledError:
            lost += 1
        return False

    bus = SqliteBus(tmp_path / "bus.sqlite", asyncio.get_running_loop().time)
    async with asyncio.timeout(30):
        assert await Arrivals(bus, (), relays=()).recorded(is_done=is_done) == "no"
    assert lost == 1
