"""Leases and votes at a thousand and at a million open subtasks, in turns, so that both see the same machine.

Subtasks take 100 votes, so that none ends. The thousand gather about ten votes each while this runs, which makes a
lease and a vote on them some 3 % dearer than on the million's, which stay at one or none.
"""

import asyncio
from statistics import mean

from loadtest.crowd.operators import Shift, Worked, work
from loadtest.measures import Numbers, median
from loadtest.platform_process import PlatformProcess, seed, working_folder

FEW, MANY = 1_000, 1_000_000
VOTER = "half-voter"
OPERATORS = 8
TURNS = 6
TURN_S = 2.0
WARM_S = 0.5


def measure() -> Numbers:
    with working_folder("bench-scale") as folder:
        few, many = (PlatformProcess(folder / name, log_level="info") for name in ("few", "many"))
        few_task = seed(few.data_dir, FEW)
        many_task = seed(many.data_dir, MANY, "--open", str(MANY), "--voted", f"{VOTER}:{MANY // 2}")
        with few, many:
            return asyncio.run(_measure(few, few_task, many, many_task))


async def _measure(few: PlatformProcess, few_task: str, many: PlatformProcess, many_task: str) -> Numbers:
    at_few, at_many, alone, half = Worked(), Worked(), Worked(), Worked()
    for turn in range(TURNS + 1):
        names = [f"scale-{turn}-{number}" for number in range(OPERATORS)]
        turns = [
            (few, few_task, names, at_few),
            (many, many_task, names, at_many),
            (few, few_task, [f"alone-{turn}"], alone),
            (many, many_task, [VOTER], half),
        ]
        for platform, task_id, operators, worked in turns if turn % 2 else reversed(turns):
            shift = Shift(task_id=task_id, with_images=False)
            done = await work(platform, operators, shift, seconds=TURN_S, warm_s=WARM_S)
            if turn:  # the first turn warms both up
                worked.add(done)
    return {
        "lease_1k_ms": median(at_few.lease) * 1000,
        "lease_1m_ms": median(at_many.lease) * 1000,
        "vote_1k_ms": median(at_few.vote) * 1000,
        "vote_1m_ms": median(at_many.vote) * 1000,
        "pairs_per_s_1k": at_few.cycles / at_few.wall_s,
        "pairs_per_s_1m": at_many.cycles / at_many.wall_s,
        "lease_1m_over_1k": median(at_many.lease) / median(at_few.lease),
        "vote_1m_over_1k": median(at_many.vote) / median(at_few.vote),
        "pair_mean_1m_over_1k": (mean(at_many.lease) + mean(at_many.vote)) / (mean(at_few.lease) + mean(at_few.vote)),
        "lease_alone_1k_ms": median(alone.lease) * 1000,
        "lease_half_voted_ms": median(half.lease) * 1000,
        "lease_half_voted_over_1k": median(half.lease) / median(alone.lease),
        "vote_half_voted_over_1k": median(half.vote) / median(alone.vote),
        "votes_per_subtask_1k": (at_few.cycles + alone.cycles) / FEW,
    }
