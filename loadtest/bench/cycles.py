"""Label cycles: lease a subtask, download its picture, vote."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.bench import uploads
from loadtest.bench.http_client import connect
from loadtest.bench.operators import Shift, Times, work
from loadtest.bench.platform_process import PlatformProcess
from loadtest.bench.report import Numbers
from loadtest.bench.uploads import Form

WARM_S = 1.0


@dataclass(frozen=True, slots=True)
class Phase:
    """So many operators, leasing and voting so many subtasks at a time; `most` is a rate that they will not exceed."""

    operators: int
    batch: int
    most: int
    suffix: str


PHASES = (
    Phase(1, 1, 700, "1"),
    Phase(8, 1, 2_000, "8"),
    Phase(32, 1, 2_500, "32"),
    Phase(32, 10, 4_000, "32_tens"),
)


async def measure(platform: PlatformProcess, requests: Sequence[Form], seconds: float) -> Numbers:
    """Every phase, each with operators of its own."""
    numbers: Numbers = {}
    for phase in PHASES:
        votes_each = 1 if phase.operators == 1 else 2
        await _stock(platform, requests, int(phase.most * (seconds + WARM_S) / votes_each), phase.suffix)
        names = [f"op-{phase.suffix}-{number}" for number in range(phase.operators)]
        times = await work(platform, names, Shift(batch=phase.batch), seconds=seconds, warm_s=WARM_S)
        numbers |= times.numbers(phase.suffix)
        rate = times.cycles / times.wall_s
        print(f"  {phase.suffix}: {rate:.0f} cycles/s; cores: {_cores(times)}", flush=True)
    return numbers


def _cores(times: Times) -> str:
    return f"server {times.server_cores:.2f}, client {times.client_cores:.2f}, others {times.others_cores:.2f}"


async def _stock(platform: PlatformProcess, requests: Sequence[Form], wanted: int, name: str) -> None:
    """Upload until there are `wanted` open subtasks."""
    caller = await connect(platform.port, "client")
    tasks = (await caller.get("/api/tasks?limit=1000")).json()["items"]
    caller.close()
    missing = wanted - sum(task["counts"]["open"] for task in tasks)
    per_task = sum(form.count for form in requests)
    names = [f"cycles {name}.{number}" for number in range(-(-missing // per_task))] if missing > 0 else []
    if names:
        await uploads.upload(platform, requests, names)
        await uploads.wait_until_open(platform, (await uploads.task_ids(platform))[: len(names)])
