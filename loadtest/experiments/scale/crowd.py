"""Simulated operators: as many names as one likes over few connections, each leasing one subtask and voting on it."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from loadtest.bench.errors import BenchFailed
from loadtest.bench.http_client import Caller, Connection
from loadtest.bench.platform_process import PlatformProcess
from loadtest.experiments.scale.costs import Calls, Cost

WARM_OPERATORS = 50
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """So many operators on at most so many connections, of whom each asks for work on one task.

    seconds: rounds, in which everybody leases and then everybody votes, go on for so long. longest_s: the one under way
    then is broken off after so long; who has not leased by then does not vote.
    """

    operators: int
    connections: int
    task_id: str
    seconds: float
    longest_s: float


Held = list[tuple[Caller, dict[str, Any]]]


async def measure(platform: PlatformProcess, crowd: Crowd) -> list[Cost]:
    """What a lease and a vote cost. Others have warmed the platform up before."""
    names = [f"crowd-{crowd.operators}-{number}" for number in range(crowd.operators)]
    warm_names = [f"warm-{crowd.operators}-{number}" for number in range(WARM_OPERATORS)]
    lines = [await _line(platform) for _ in range(min(crowd.connections, crowd.operators))]
    try:
        warm = _shared_out(warm_names, lines, platform.port)
        await _round(warm, crowd, platform.pid, time.monotonic() + crowd.longest_s)
        return await _rounds(_shared_out(names, lines, platform.port), crowd, platform.pid)
    finally:
        for line in lines:
            line.close()


async def _rounds(callers: list[list[Caller]], crowd: Crowd, pid: int) -> list[Cost]:
    began = time.monotonic()
    leases, votes = Calls(operation="lease", pid=pid), Calls(operation="vote", pid=pid)
    while time.monotonic() < began + crowd.seconds:
        leased, voted = await _round(callers, crowd, pid, began + crowd.longest_s)
        for total, one in ((leases, leased), (votes, voted)):
            total.seconds += one.seconds
            total.cpu_s += one.cpu_s
    return [leases.cost(), votes.cost()]


async def _round(callers: list[list[Caller]], crowd: Crowd, pid: int, end: float) -> tuple[Calls, Calls]:
    """Everybody leases, then everybody who got something votes."""
    leases, votes = Calls(operation="lease", pid=pid), Calls(operation="vote", pid=pid)
    held: list[Held] = [[] for _ in callers]
    with leases.counting():
        await _together(lambda at: _lease(callers[at], crowd.task_id, leases, held[at], end), len(callers))
    if not any(held):
        raise BenchFailed("no operator got work: the task has too few subtasks for so many operators")
    with votes.counting():
        await _together(lambda at: _vote(held[at], votes), len(callers))
    return leases, votes


async def _together(work: Callable[[int], Awaitable[None]], count: int) -> None:
    async with asyncio.TaskGroup() as group:
        for at in range(count):
            group.create_task(_awaited(work(at)))


async def _awaited(work: Awaitable[None]) -> None:
    await work


async def _lease(callers: Sequence[Caller], task_id: str, calls: Calls, held: Held, end: float) -> None:
    """On one connection: each of its operators leases one subtask, until time is up."""
    for caller in itertools.takewhile(lambda _: time.monotonic() < end, callers):
        with calls.timed():
            answer = await caller.post("/api/leases", {"count": 1, "task_id": task_id})
        held.extend((caller, lease) for lease in answer.json()["leases"])


async def _vote(held: Held, calls: Calls) -> None:
    """On one connection: each of its operators votes on what it holds."""
    for caller, lease in held:
        vote = {"label": lease["labels"][0], "token": lease["token"]}
        with calls.timed():
            await caller.post(f"/api/subtasks/{lease['subtask_id']}/vote", vote)


def _shared_out(names: Sequence[str], lines: Sequence[Connection], port: int) -> list[list[Caller]]:
    """The operators of each connection."""
    return [
        [Caller(line, name, port) for name in names[at :: len(lines)]] for at, line in enumerate(lines[: len(names)])
    ]


async def _line(platform: PlatformProcess) -> Connection:
    _, connection = await asyncio.get_running_loop().create_connection(Connection, HOST, platform.port)
    return connection
