"""How busy pre-labeling keeps the engines, from the first picture of a task to its last."""

import asyncio
import time

from loadtest.bench.http_client import Caller, connect
from loadtest.bench.platform_process import PlatformProcess
from loadtest.bench.uploads import FORM, forms

LABELS = ["person", "car", "dog"]
PATIENCE_S = 120


async def busy_share(platform: PlatformProcess, pictures: list[bytes]) -> float:
    """The share of the time that all engines work, between the first look and the last, of an upload in one go."""
    caller = await connect(platform.port, "client")
    try:
        terms = {"name": "p", "labels": LABELS, "detector": {"mode": "suggest", "audit_share": 0}}
        task_id = (await caller.post("/api/tasks", terms)).json()["id"]
        sending = asyncio.create_task(_upload(platform.port, task_id, pictures))
        began, first = await _answered(caller, 1)
        ended, last = await _answered(caller, len(pictures))
        await sending
        return (last["busy_s"] - first["busy_s"]) / last["threads"] / (ended - began)
    finally:
        caller.close()


async def _upload(port: int, task_id: str, pictures: list[bytes]) -> None:
    caller = await connect(port, "client")
    try:
        for form in forms(pictures):
            await caller.post_bytes(f"/api/tasks/{task_id}/images", form.body, FORM)
    finally:
        caller.close()


async def _answered(caller: Caller, count: int) -> tuple[float, dict[str, float]]:
    """When so many pictures had been looked at, and the load then."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            load = (await caller.get("/api/models")).json()["load"]
            if load["answered"] >= count:
                return time.perf_counter(), load
            await asyncio.sleep(0.01)
