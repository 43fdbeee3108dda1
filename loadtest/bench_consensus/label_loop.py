"""What a consensus run costs the label loop: 32 operators beside a run on so many votes, and the same without one, in
turns on one platform."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path
from statistics import median
from typing import Any

from loadtest.command import ROOT
from loadtest.crowd.connection import connected
from loadtest.crowd.operators import Shift, Worked, work
from loadtest.crowd.owner import OWNER
from loadtest.errors import MeasurementFailed
from loadtest.measures import Numbers
from loadtest.platform_process import PlatformProcess, seed, working_folder

OPERATORS = 32
SUBTASKS = 6_000
"""Open ones, which take 100 votes each."""
TURNS = 3
SLICE_S, WARM_S = 2.0, 0.2
LEAST_SLICES, MOST_SLICES = 4, 40
SEED_S = 600
UNDER_WAY = ("waiting", "running")
METHODS = ("ds", "mace", "one-coin")


def measure(images: int) -> Numbers:
    """Cycles a second while a run is made, over those while none is."""
    with working_folder("bench-label-loop") as folder:
        platform = PlatformProcess(folder)
        loop_task = seed(platform.data_dir, SUBTASKS)
        votes_task = _seed_votes(platform.data_dir, images)
        with platform:
            return asyncio.run(_compared(platform, loop_task, votes_task))


def _seed_votes(data_dir: Path, images: int) -> str:
    command = [sys.executable, "-P", "-m", "probes.consensus_rows", "--data-dir", data_dir, "--images", str(images)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SEED_S, check=False)
    if done.returncode:
        raise MeasurementFailed(f"seeding failed: {done.stderr[-2000:]}")
    return done.stdout.split()[-1]


async def _compared(platform: PlatformProcess, loop_task: str, votes_task: str) -> Numbers:
    """Each turn compares its own rates, of operators of its own. What is asked is another run in each."""
    ratios: list[float] = []
    rates: dict[str, list[float]] = {"without": [], "beside": []}
    for turn, methods in enumerate(islice(_method_sets(), TURNS)):
        loop = _Loop(platform, loop_task, [f"op-{turn}-{number}" for number in range(OPERATORS)])
        without = [await loop.slice() for _ in range(LEAST_SLICES)]
        beside = await _beside(loop, votes_task, methods)
        without += [await loop.slice() for _ in range(LEAST_SLICES)]
        ratios.append(_rate(beside) / _rate(without))
        rates["without"].append(_rate(without))
        rates["beside"].append(_rate(beside))
        print(f"  {' '.join(methods)}: {len(beside)} slices beside the run, {ratios[-1]:.2f} of the rate", flush=True)
    return {
        "loop_cycles_per_s": median(rates["without"]),
        "loop_beside_run_cycles_per_s": median(rates["beside"]),
        "loop_beside_run": median(ratios),
    }


@dataclass(frozen=True, slots=True)
class _Loop:
    """Operators who lease and vote on a task."""

    platform: PlatformProcess
    task_id: str
    names: list[str]

    async def slice(self) -> Worked:
        shift = Shift(task_id=self.task_id, with_images=False)
        return await work(self.platform, self.names, shift, seconds=SLICE_S, warm_s=WARM_S)


def _method_sets() -> Iterator[tuple[str, ...]]:
    for count in range(len(METHODS), 0, -1):
        yield from combinations(METHODS, count)


async def _beside(loop: _Loop, votes_task: str, methods: tuple[str, ...]) -> list[Worked]:
    """Slices that began and ended while a run was made."""
    port = loop.platform.port
    async with connected(port, [OWNER]) as (caller,):
        run = (await caller.post("/api/consensus", {"task_id": votes_task, "methods": list(methods)})).json()
    slices: list[Worked] = []
    while len(slices) < MOST_SLICES:
        worked = await loop.slice()
        run = await _seen(port, run["id"])
        if run["state"] not in UNDER_WAY:
            break
        slices.append(worked)
    while run["state"] in UNDER_WAY:
        await asyncio.sleep(SLICE_S)
        run = await _seen(port, run["id"])
    if run["state"] != "finished" or not slices:
        raise MeasurementFailed(f"the run is {run['state']} ({run['why']}) after {len(slices)} slices: take more votes")
    return slices


async def _seen(port: int, run_id: str) -> dict[str, Any]:
    """Over a connection of its own: one that rests is closed."""
    async with connected(port, [OWNER]) as (caller,):
        return (await caller.get(f"/api/consensus/{run_id}")).json()


def _rate(slices: list[Worked]) -> float:
    return median(one.cycles / one.wall_s for one in slices)
