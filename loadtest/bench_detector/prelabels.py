"""How busy pre-labeling keeps the engines, from the first picture of a task to its last."""

import asyncio
import time

from loadtest.crowd import owner
from loadtest.crowd.connection import Caller, connected
from loadtest.platform_process import PlatformProcess

LABELS = ["person", "car", "dog"]
LONGEST_S = 120


async def busy_share(platform: PlatformProcess, pictures: list[bytes]) -> float:
    """The share of the time that all engines work, between the first look and the last, of an upload in one go."""
    async with connected(platform.port, [owner.OWNER]) as (caller,):
        detector = {"mode": "suggest", "audit_share": 0}
        task_id = await owner.create(caller, "p", labels=LABELS, detector=detector)
        sending = asyncio.create_task(owner.upload(platform.port, owner.forms(pictures), [task_id]))
        began, first = await _answered(caller, 1)
        ended, last = await _answered(caller, len(pictures))
        await sending
        return (last["busy_s"] - first["busy_s"]) / last["threads"] / (ended - began)


async def _answered(caller: Caller, count: int) -> tuple[float, dict[str, float]]:
    """When so many pictures had been looked at, and the load then."""
    async with asyncio.timeout(LONGEST_S):
        while True:
            load = (await caller.get("/api/models")).json()["load"]
            if load["answered"] >= count:
                return time.perf_counter(), load
            await asyncio.sleep(0.01)
