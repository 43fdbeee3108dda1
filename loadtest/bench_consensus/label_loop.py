"""What a consensus run costs the label loop: 32 operators beside a run on so many votes, and the same without one, in
turns on one platform."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any

from loadtest.command import ROOT
from loadtest.crowd.connection import Caller, connected
from loadtest.crowd.operators import Shift, Worked, work
from loadtest.crowd.owner import OWNER
from loadtest.errors import MeasurementFailed
from loadtest.measures import Numbers
from loadtest.platform_process import PlatformProcess, seed, working_folder

OPERATORS = 32
SUBTASKS = 4_000
"""Open ones, which take 100 votes each."""
TURNS = 3
SLICE_S, WARM_S = 2.0, 0.2
LEAST_SLICES, MOST_SLICES = 4, 40
SEED_S = 600
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
    """Each turn compares its own rates. What is asked is another run in each."""
    ratios: list[float] = []
    rates: dict[str, list[float]] = {"without": [], "beside": []}
    async with connected(platform.port, [OWNER]) as (caller,):
        for methods in list(_method_sets())[:TURNS]:
            without = [await _slice(platform, loop_task) for _ in range(LEAST_SLICES)]
            beside = await _beside(platform, caller, loop_task, votes_task, methods)
            without += [await _slice(platform, loop_task) for _ in range(LEAST_SLICES)]
            ratios.append(_rate(beside) / _rate(without))
            rates["without"].append(_rate(without))
            rates["beside"].append(_rate(beside))
    print(f"  beside a run over without, turn by turn: {', '.join(f'{one:.2f}' for one in ratios)}", flush=True)
    return {
        "loop_cycles_per_s": median(rates["without"]),
        "loop_beside_run_cycles_per_s": median(rates["beside"]),
        "loop_beside_run": median(ratios),
    }


def _method_sets() -> Iterator[tuple[str, ...]]:
    for count in range(len(METHODS), 0, -1):
        yield from combinations(METHODS, count)


async def _beside(
    platform: PlatformProcess, caller: Caller, loop_task: str, votes_task: str, methods: tuple[str, ...]
) -> list[Worked]:
    """Slices that began and ended while a run was made."""
    run = await _asked(caller, votes_task, methods)
    slices: list[Worked] = []
    while len(slices) < MOST_SLICES:
        worked = await _slice(platform, loop_task)
        run = (await caller.get(f"/api/consensus/{run['id']}")).json()
        if run["state"] not in ("waiting", "running"):
            break
        slices.append(worked)
    while run["state"] in ("waiting", "running"):
        await asyncio.sleep(SLICE_S)
        run = (await caller.get(f"/api/consensus/{run['id']}")).json()
    if run["state"] != "finished" or not slices:
        raise MeasurementFailed(f"the run is {run['state']} ({run['why']}) after {len(slices)} slices: take more votes")
    print(f"  {' '.join(methods)}: {len(slices)} slices of {SLICE_S:.0f} s beside the run", flush=True)
    return slices


async def _asked(caller: Caller, task_id: str, methods: tuple[str, ...]) -> dict[str, Any]:
    return (await caller.post("/api/consensus", {"task_id": task_id, "methods": list(methods)})).json()


async def _slice(platform: PlatformProcess, task_id: str) -> Worked:
    names = [f"op-{number}" for number in range(OPERATORS)]
    return await work(platform, names, Shift(task_id=task_id, with_images=False), seconds=SLICE_S, warm_s=WARM_S)


def _rate(slices: list[Worked]) -> float:
    return median(one.cycles / one.wall_s for one in slices)
