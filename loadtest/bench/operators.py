"""Operators that lease, look and vote as fast as they are answered."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from loadtest.bench.errors import BenchFailed
from loadtest.bench.http_client import Caller, connect
from loadtest.bench.platform_process import PlatformProcess, machine_cpu_s
from loadtest.bench.report import Numbers, percentile

DRY_S = 2.0
"""Operators that get nothing for so long have run dry."""
AGREEMENT = 0.85
"""How often an operator names the true label."""
TOO_LONG_S = 60.0


@dataclass(slots=True)
class Times:
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

    def add(self, other: "Times") -> None:
        self.lease += other.lease
        self.image += other.image
        self.vote += other.vote
        self.cycles += other.cycles
        self.wall_s += other.wall_s

    def numbers(self, suffix: str) -> Numbers:
        found: Numbers = {f"cycles_per_s_{suffix}": self.cycles / self.wall_s}
        for call, values in (("lease", self.lease), ("image", self.image), ("vote", self.vote)):
            for share in (50, 95, 99):
                found[f"{call}_p{share}_ms_{suffix}"] = percentile(values, share / 100) * 1000
        found[f"server_cores_{suffix}"] = self.server_cores
        found[f"client_cores_{suffix}"] = self.client_cores
        found[f"others_cores_{suffix}"] = self.others_cores
        return found


@dataclass(slots=True, kw_only=True)
class Shift:
    """What operators do: how many subtasks at a time, of which task, with pictures or without, from when until when."""

    batch: int = 1
    task_id: str | None = None
    with_images: bool = True
    begins: float = 0.0
    ends: float = 0.0
    times: Times = field(default_factory=Times)


async def work(
    platform: PlatformProcess,
    names: Sequence[str],
    shift: Shift,
    *,
    seconds: float,
    warm_s: float,
) -> Times:
    """Let operators of these names work; what happens in the first `warm_s` does not count."""
    callers = [await connect(platform.port, name) for name in names]
    shift.begins = time.perf_counter() + warm_s
    shift.ends = shift.begins + seconds
    try:
        async with asyncio.timeout(seconds + warm_s + TOO_LONG_S), asyncio.TaskGroup() as group:
            for caller, name in zip(callers, names, strict=True):
                group.create_task(_operate(caller, random.Random(name), shift))
            await asyncio.sleep(warm_s)
            server_s, client_s, machine_s = platform.cpu_s(), time.process_time(), machine_cpu_s()
            await asyncio.sleep(max(0, shift.ends - time.perf_counter()))
            shift.times.server_cores = (platform.cpu_s() - server_s) / seconds
            shift.times.client_cores = (time.process_time() - client_s) / seconds
            all_cores = (machine_cpu_s() - machine_s) / seconds
            shift.times.others_cores = max(0.0, all_cores - shift.times.server_cores - shift.times.client_cores)
    finally:
        for caller in callers:
            caller.close()
    shift.times.wall_s = seconds
    return shift.times


async def _operate(caller: Caller, rng: random.Random, shift: Shift) -> None:
    wanted = {"count": shift.batch, "task_id": shift.task_id}
    clock = time.perf_counter
    times, dry_since = shift.times, 0.0
    while (began := clock()) < shift.ends:
        leased = (await caller.post("/api/leases", wanted)).json()
        took = clock()
        if not leased["leases"]:
            dry_since = dry_since or began
            if took - dry_since > DRY_S:
                raise BenchFailed("the operators ran dry: not enough pictures were uploaded")
            await asyncio.sleep(0 if leased["more"] else 0.02)
            continue
        dry_since = 0.0
        counts = began >= shift.begins
        if counts:
            times.lease.append(took - began)
        if shift.with_images:
            for lease in leased["leases"]:
                before = clock()
                await caller.get(lease["image_url"])
                if counts:
                    times.image.append(clock() - before)
        before = clock()
        await _vote(caller, rng, leased["leases"])
        now = clock()
        if counts and now <= shift.ends:
            times.vote.append(now - before)
            times.cycles += len(leased["leases"])


async def _vote(caller: Caller, rng: random.Random, leases: Sequence[dict[str, str]]) -> None:
    if len(leases) == 1:
        lease = leases[0]
        vote = {"label": _label(lease, rng), "token": lease["token"]}
        await caller.post(f"/api/subtasks/{lease['subtask_id']}/vote", vote)
        return
    votes = [
        {"subtask_id": lease["subtask_id"], "label": _label(lease, rng), "token": lease["token"]} for lease in leases
    ]
    outcomes = (await caller.post("/api/votes", {"votes": votes})).json()["outcomes"]
    if any(one["status"] != 200 for one in outcomes):
        raise BenchFailed(f"a vote was refused: {outcomes}")


def _label(lease: dict[str, str], rng: random.Random) -> str:
    """Mostly the true label, which the subtask's id gives away."""
    labels = lease["labels"]
    true = int(lease["subtask_id"][:4], 16) % len(labels)
    return labels[true if rng.random() < AGREEMENT else rng.randrange(len(labels))]
