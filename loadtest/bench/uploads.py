"""Uploads: every picture decoded, checked, stored and synced before its request is answered."""

import time
from collections.abc import Sequence

from loadtest.crowd import owner
from loadtest.crowd.connection import connected
from loadtest.measures import Numbers, median
from loadtest.platform_process import Measured

RUNS, TASKS_PER_RUN = 3, 2


async def measure(platform: Measured, forms: Sequence[owner.Form]) -> Numbers:
    """Pictures per second, the median of three runs."""
    rates: list[float] = []
    began_all, server_s, client_s = time.perf_counter(), platform.cpu_s(), time.process_time()
    for run in range(RUNS):
        began = time.perf_counter()
        ids = await upload(platform.port, forms, [f"uploads {run}.{number}" for number in range(TASKS_PER_RUN)])
        rates.append(len(ids) / (time.perf_counter() - began))
    wall_s = time.perf_counter() - began_all
    return {
        "uploads_per_s": median(rates),
        "uploads_server_cores": (platform.cpu_s() - server_s) / wall_s,
        "uploads_client_cores": (time.process_time() - client_s) / wall_s,
    }


async def upload(port: int, forms: Sequence[owner.Form], names: Sequence[str]) -> list[str]:
    """Upload the pictures to a new task for each name; returns the images' ids."""
    async with connected(port, [owner.OWNER]) as (caller,):
        task_ids = [await owner.create(caller, name) for name in names]
    return await owner.upload(port, forms, task_ids)
