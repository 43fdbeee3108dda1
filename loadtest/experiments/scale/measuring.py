"""What operators and the owner of a task do to be measured."""

import itertools
import random
import time
from collections.abc import Sequence
from typing import Any

from loadtest.crowd import owner
from loadtest.crowd.calls import Calls, Cost
from loadtest.crowd.connection import Caller, all_of, connected
from loadtest.crowd.operators import lease, vote
from loadtest.errors import MeasurementFailed
from loadtest.platform_process import PlatformProcess

WARM_OPERATORS = 50
PAGE = 100
READS = 200
Held = list[tuple[Caller, dict[str, Any]]]


async def by_operators(
    platform: PlatformProcess, task_id: str, operators: int, *, connections: int, seconds: float, longest_s: float
) -> list[Cost]:
    """What a lease and a vote cost. In a round each operator leases one subtask, then each votes.

    seconds: for how long a new round begins. longest_s: when the one under way then is broken off; an operator who has
    not leased by then does not vote. Other operators have warmed the platform up before.
    """
    leases, votes = (Calls(operation=name, pid=platform.pid) for name in ("lease", "vote"))
    unmeasured = Calls(operation="", pid=platform.pid)
    async with connected(platform.port, [""] * min(connections, operators)) as lines:
        warm = _shared_out(f"warm-{operators}", WARM_OPERATORS, lines)
        await _round(warm, task_id, unmeasured, unmeasured, time.monotonic() + longest_s)
        callers = _shared_out(f"crowd-{operators}", operators, lines)
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            await _round(callers, task_id, leases, votes, began + longest_s)
    return [leases.cost(), votes.cost()]


async def by_owner(platform: PlatformProcess, task_id: str, forms: Sequence[owner.Form]) -> list[Cost]:
    """What an upload, a page of results and a look at the counts cost in this task.

    Uploads are requests of 25 pictures; the processor's time is that of one picture, until its subtask is open.
    """
    uploads = Calls(operation="upload", pid=platform.pid, per_call=owner.PER_REQUEST)
    pages, counts = (Calls(operation=name, pid=platform.pid) for name in ("results page", "task with counts"))
    with uploads.counting():
        ids = await owner.upload(platform.port, forms, [task_id], uploads.timed)
        await owner.until_open(platform.port, ids[-owner.PER_REQUEST :])
    async with connected(platform.port, [owner.OWNER]) as (caller,):
        with pages.counting():
            after = ""
            for _ in range(READS):  # from the first page again after the last
                with pages.timed():
                    answer = await caller.get(f"/api/tasks/{task_id}/results?limit={PAGE}{after}")
                cursor = answer.json()["next_cursor"]
                after = f"&cursor={cursor}" if cursor else ""
        with counts.counting():
            for _ in range(READS):
                with counts.timed():
                    await caller.get(f"/api/tasks/{task_id}")
    return [uploads.cost(), pages.cost(), counts.cost()]


def _shared_out(prefix: str, operators: int, connections: Sequence[Caller]) -> list[list[Caller]]:
    """The operators of each connection."""
    numbers = [range(at, operators, len(connections)) for at in range(len(connections))]
    return [
        [connection.named(f"{prefix}-{number}") for number in own]
        for connection, own in zip(connections, numbers, strict=True)
    ]


async def _round(callers: Sequence[Sequence[Caller]], task_id: str, leases: Calls, votes: Calls, end: float) -> None:
    """Every operator leases, then every operator who got something votes."""
    held: list[Held] = [[] for _ in callers]
    with leases.counting():
        await all_of([_lease(own, task_id, leases, got, end) for own, got in zip(callers, held, strict=True)])
    if not any(held):
        raise MeasurementFailed("no operator got work: the task has too few subtasks for so many operators")
    with votes.counting():
        await all_of([_vote(got, votes) for got in held])


async def _lease(callers: Sequence[Caller], task_id: str, calls: Calls, held: Held, end: float) -> None:
    """On one connection: each of its operators leases one subtask, until time is up."""
    for caller in itertools.takewhile(lambda _: time.monotonic() < end, callers):
        with calls.timed():
            leased = await lease(caller, 1, task_id)
        held.extend((caller, one) for one in leased["leases"])


async def _vote(held: Held, calls: Calls) -> None:
    """On one connection: each of its operators votes on what it holds."""
    rng = random.Random(0)
    for caller, one in held:
        with calls.timed():
            await vote(caller, rng, [one])
