"""Operators that lease, look and vote as fast as they are answered."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from loadtest.crowd.connection import Caller, connected
from loadtest.crowd.labels import choose
from loadtest.errors import MeasurementFailed
from loadtest.platform_process import Measured, machine_cpu_s

DRY_S = 2.0
"""Operators that get nothing for so long have run dry."""
TOO_LONG_S = 60.0


@dataclass(slots=True)
class Worked:
    """How long calls took, in seconds, and how many subtasks were voted on within the time that counts.

    `others_cores` is what neither the server nor the client used: where it is high, the machine was not ours.
    """

    lease: list[float] = field(default_factory=list[float])
    image: list[float] = field(default_factory=list[float])
    vote: list[float] = field(default_factory=list[float])
    cycles: int = 0
    wall_s: float = 0.0
    server_cores: float = 0.0
    client_cores: float = 0.0
    others_cores: float = 0.0

    def add(self, other: "Worked") -> None:
        self.lease += other.lease
        self.image += other.image
        self.vote += other.vote
        self.cycles += other.cycles
        self.wall_s += other.wall_s


@dataclass(slots=True, kw_only=True)
class Shift:
    """What operators do: how many subtasks at a time, of which task, with pictures or without, from when until when."""

    batch: int = 1
    task_id: str | None = None
    with_images: bool = True
    begins: float = 0.0
    ends: float = 0.0
    worked: Worked = field(default_factory=Worked)


async def work(platform: Measured, names: Sequence[str], shift: Shift, *, seconds: float, warm_s: float) -> Worked:
    """Let operators of these names work; what happens in the first `warm_s` does not count."""
    async with (
        connected(platform.port, names) as callers,
        asyncio.timeout(seconds + warm_s + TOO_LONG_S),
        asyncio.TaskGroup() as group,
    ):
        shift.begins = time.perf_counter() + warm_s
        shift.ends = shift.begins + seconds
        for caller, name in zip(callers, names, strict=True):
            group.create_task(_operate(caller, random.Random(name), shift))
        await asyncio.sleep(warm_s)
        before = (platform.cpu_s(), time.process_time(), machine_cpu_s())
        await asyncio.sleep(max(0, shift.ends - time.perf_counter()))
        after = (platform.cpu_s(), time.process_time(), machine_cpu_s())
    server, client, machine = ((end - begin) / seconds for begin, end in zip(before, after, strict=True))
    shift.worked.server_cores, shift.worked.client_cores = server, client
    shift.worked.others_cores = max(0.0, machine - server - client)
    shift.worked.wall_s = seconds
    return shift.worked


async def _operate(caller: Caller, rng: random.Random, shift: Shift) -> None:
    clock = time.perf_counter
    worked, dry_since = shift.worked, 0.0
    while (began := clock()) < shift.ends:
        leased = await lease(caller, shift.batch, shift.task_id)
        took = clock()
        if not leased["leases"]:
            dry_since = dry_since or began
            if took - dry_since > DRY_S:
                raise MeasurementFailed("the operators ran dry: not enough pictures were uploaded")
            await asyncio.sleep(0 if leased["more"] else 0.02)
            continue
        dry_since = 0.0
        counts = began >= shift.begins
        if counts:
            worked.lease.append(took - began)
        for one in leased["leases"] if shift.with_images else ():
            before = clock()
            await caller.get(one["image_url"])
            if counts:
                worked.image.append(clock() - before)
        before = clock()
        await vote(caller, rng, leased["leases"])
        now = clock()
        if counts and now <= shift.ends:
            worked.vote.append(now - before)
            worked.cycles += len(leased["leases"])


async def lease(caller: Caller, count: int, task_id: str | None) -> dict[str, Any]:
    return (await caller.post("/api/leases", {"count": count, "task_id": task_id})).json()


async def vote(caller: Caller, rng: random.Random, leases: Sequence[dict[str, Any]]) -> None:
    """One vote by itself, several in one request. Raises MeasurementFailed where one is refused."""
    ballots = [
        {"label": choose(rng, one["subtask_id"], one["labels"]), "token": one["token"], "subtask_id": one["subtask_id"]}
        for one in leases
    ]
    if len(ballots) == 1:
        subtask_id = ballots[0].pop("subtask_id")
        await caller.post(f"/api/subtasks/{subtask_id}/vote", ballots[0])
        return
    outcomes = (await caller.post("/api/votes", {"votes": ballots})).json()["outcomes"]
    if any(one["status"] != 200 for one in outcomes):
        raise MeasurementFailed(f"a vote was refused: {outcomes}")
