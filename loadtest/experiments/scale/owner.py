"""What a task's owner does: uploads pictures to it, and reads its results and counts."""

import asyncio
import itertools
from collections.abc import Sequence

from loadtest.bench.errors import BenchFailed
from loadtest.bench.http_client import Caller, connect
from loadtest.bench.platform_process import PlatformProcess
from loadtest.bench.uploads import FORM, PER_REQUEST, Form
from loadtest.experiments.scale.costs import Calls, Cost

UPLOADS_AT_A_TIME = 4
PAGE = 100
READS = 200
OPEN_POLL_S, OPEN_POLLS = 0.05, 1200


async def measure(platform: PlatformProcess, task_id: str, forms: Sequence[Form]) -> list[Cost]:
    """What an upload, a page of results and a look at the counts cost in this task."""
    callers = [await connect(platform.port, "client") for _ in range(UPLOADS_AT_A_TIME)]
    try:
        return [
            await _uploads(platform, callers, task_id, forms),
            await _pages(platform, callers[0], task_id),
            await _counts(platform, callers[0], task_id),
        ]
    finally:
        for caller in callers:
            caller.close()


async def _uploads(platform: PlatformProcess, callers: list[Caller], task_id: str, forms: Sequence[Form]) -> Cost:
    """Requests of 25 pictures; the processor's time is that of one picture, until its subtask is open."""
    calls = Calls(operation="upload", pid=platform.pid, per_call=PER_REQUEST)
    left, ids = list(forms), list[str]()
    with calls.counting():
        async with asyncio.TaskGroup() as group:
            for caller in callers:
                group.create_task(_send(caller, task_id, left, ids, calls))
        for image_id in ids[-PER_REQUEST:]:
            await _until_open(callers[0], image_id)
    return calls.cost()


async def _send(caller: Caller, task_id: str, left: list[Form], ids: list[str], calls: Calls) -> None:
    while left:
        form = left.pop()
        with calls.timed():
            answer = await caller.post_bytes(f"/api/tasks/{task_id}/images", form.body, FORM)
        ids += [image["image_id"] for image in answer.json()["images"]]


async def _until_open(caller: Caller, image_id: str) -> None:
    """Wait until an image's subtask is there. Raises BenchFailed."""
    for _ in range(OPEN_POLLS):
        if await caller.status_of(f"/api/subtasks/{image_id}") == 200:
            return
        await asyncio.sleep(OPEN_POLL_S)
    raise BenchFailed("uploaded pictures do not become subtasks")


async def _pages(platform: PlatformProcess, caller: Caller, task_id: str) -> Cost:
    """Pages of results, one after the other, from the first again after the last."""
    calls = Calls(operation="results page", pid=platform.pid)
    cursor = None
    with calls.counting():
        for _ in range(READS):
            after = f"&cursor={cursor}" if cursor else ""
            with calls.timed():
                answer = await caller.get(f"/api/tasks/{task_id}/results?limit={PAGE}{after}")
            cursor = answer.json()["next_cursor"]
    return calls.cost()


async def _counts(platform: PlatformProcess, caller: Caller, task_id: str) -> Cost:
    calls = Calls(operation="task with counts", pid=platform.pid)
    with calls.counting():
        for _ in itertools.repeat(None, READS):
            with calls.timed():
                await caller.get(f"/api/tasks/{task_id}")
    return calls.cost()
