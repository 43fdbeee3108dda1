"""Label cycles: lease a subtask, download its picture, vote."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.bench.uploads import upload
from loadtest.crowd import owner
from loadtest.crowd.connection import connected
from loadtest.crowd.operators import Shift, Worked, work
from loadtest.measures import Numbers, Times
from loadtest.platform_process import Measured

WARM_S = 1.0


@dataclass(frozen=True, slots=True)
class Phase:
    """So many operators, leasing and voting so many subtasks at a time; `most` is a rate that they will not exceed.

    `with_images`: they look at the picture, too, where the platform itself has it.
    """

    operators: int
    batch: int
    most: int
    suffix: str
    with_images: bool = True


PHASES = (
    Phase(1, 1, 700, "1"),
    Phase(8, 1, 2_000, "8"),
    Phase(32, 1, 2_500, "32"),
    Phase(32, 10, 4_000, "32_tens"),
)


async def measure(
    platform: Measured, forms: Sequence[owner.Form], seconds: float, phases: Sequence[Phase] = PHASES
) -> Numbers:
    """Every phase, each with operators of its own."""
    numbers: Numbers = {}
    for phase in phases:
        votes_each = 1 if phase.operators == 1 else 2
        await stock(platform.port, forms, int(phase.most * (seconds + WARM_S) / votes_each), phase.suffix)
        names = [f"op-{phase.suffix}-{number}" for number in range(phase.operators)]
        worked = await work(
            platform, names, Shift(batch=phase.batch, with_images=phase.with_images), seconds=seconds, warm_s=WARM_S
        )
        numbers |= {f"{name}_{phase.suffix}": value for name, value in _numbers(worked).items()}
        cores = f"server {worked.server_cores:.2f}, client {worked.client_cores:.2f}, others {worked.others_cores:.2f}"
        print(f"  {phase.suffix}: {worked.cycles / worked.wall_s:.0f} cycles/s; cores: {cores}", flush=True)
    return numbers


def _numbers(worked: Worked) -> Numbers:
    found: Numbers = {"cycles_per_s": worked.cycles / worked.wall_s}
    for call in ("lease", "image", "vote"):
        if not getattr(worked, call):
            continue
        times = Times.of(getattr(worked, call))
        found |= {f"{call}_p50_ms": times.p50, f"{call}_p95_ms": times.p95, f"{call}_p99_ms": times.p99}
    return found | {f"{who}_cores": getattr(worked, f"{who}_cores") for who in ("server", "client", "others")}


async def stock(port: int, forms: Sequence[owner.Form], wanted: int, name: str) -> None:
    """Upload until there are `wanted` open subtasks."""
    async with connected(port, [owner.OWNER]) as (caller,):
        tasks = (await caller.get("/api/tasks?limit=1000")).json()["items"]
    missing = wanted - sum(task["counts"]["open"] for task in tasks)
    per_task = sum(form.count for form in forms)
    names = [f"cycles {name}.{number}" for number in range(-(-max(0, missing) // per_task))]
    if names:
        await owner.until_open(port, await upload(port, forms, names))
