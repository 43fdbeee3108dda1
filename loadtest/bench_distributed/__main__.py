"""`python -P -m loadtest.bench_distributed`: one replica of each service behind the gateway, on servers of its own.

Measures label cycles, uploads, processor time by service, and commands and bytes to MongoDB; prints a table and writes
build/bench-distributed.json.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from loadtest import command
from loadtest.bench import cycles, report, uploads
from loadtest.bench.cycles import Phase
from loadtest.bench_distributed.platform import Replicas, running
from loadtest.bench_distributed.wire import Counted, counting
from loadtest.command import BUILD
from loadtest.crowd import owner
from loadtest.crowd.operators import Shift, work
from loadtest.measures import Numbers
from loadtest.pictures import photographs
from loadtest.platform_process import working_folder
from loadtest.servers import servers

PHASES = (
    Phase(1, 1, 150, "1", with_images=False),
    Phase(8, 1, 250, "8", with_images=False),
    Phase(32, 1, 300, "32", with_images=False),
    Phase(8, 10, 900, "8_tens", with_images=False),
)
"""Without pictures: operators get them from the object storage, not from the services."""
COUNTED_PHASES = (PHASES[1], PHASES[3])


def main() -> int:
    parser = argparse.ArgumentParser(prog="loadtest.bench_distributed", description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0, help="how long each number of operators works")
    options = parser.parse_args()
    return command.run("bench failed", lambda: _run(options.seconds))


def _run(seconds: float) -> int:
    with working_folder("bench-distributed") as folder, servers(folder / "servers") as told:
        forms = owner.forms(photographs(BUILD / "bench-pictures"))
        with running(folder / "platform", told) as platform:
            numbers = asyncio.run(_speed(platform, forms, seconds))
        with counting(told["QUORATE_MONGO_URL"]) as counted:
            through = told | {"QUORATE_MONGO_URL": counted.url}
            with running(folder / "counted", through) as platform:
                numbers |= asyncio.run(_counted(platform, forms, seconds, counted))
    return report.conclude(numbers, BUILD / "bench-distributed.json", {})


async def _speed(platform: Replicas, forms: Sequence[owner.Form], seconds: float) -> Numbers:
    numbers = await uploads.measure(platform, forms)
    for phase in PHASES:
        before = platform.cpu_of_each()
        numbers |= await cycles.measure(platform, forms, seconds, [phase])
        used = {service: cpu_s - before[service] for service, cpu_s in platform.cpu_of_each().items()}
        print(f"    {', '.join(f'{service} {cpu_s:.1f} s' for service, cpu_s in used.items())}", flush=True)
        rate, cores = (numbers[f"{name}_{phase.suffix}"] for name in ("cycles_per_s", "server_cores"))
        numbers[f"services_cpu_ms_a_cycle_{phase.suffix}"] = 1000 * cores / rate
    return numbers | {"tens_over_ones_8": numbers["cycles_per_s_8_tens"] / numbers["cycles_per_s_8"]}


async def _counted(platform: Replicas, forms: Sequence[owner.Form], seconds: float, counted: Counted) -> Numbers:
    """What a cycle asks of MongoDB; the forwarder costs time, so nothing else is measured with it."""
    numbers: Numbers = {}
    for phase in COUNTED_PHASES:
        numbers |= await _asked(platform, forms, seconds, phase, counted)
    return numbers


async def _asked(
    platform: Replicas, forms: Sequence[owner.Form], seconds: float, phase: Phase, counted: Counted
) -> Numbers:
    names = [f"op-counted-{phase.suffix}-{number}" for number in range(phase.operators)]
    await cycles.stock(platform.port, forms, int(phase.most * seconds / 2), f"counted {phase.suffix}")
    commands, sent, answered = counted.commands, counted.sent, counted.answered
    worked = await work(platform, names, Shift(batch=phase.batch, with_images=False), seconds=seconds, warm_s=0)
    return {
        f"mongo_commands_a_cycle_{phase.suffix}": (counted.commands - commands) / worked.cycles,
        f"mongo_bytes_to_a_cycle_{phase.suffix}": (counted.sent - sent) / worked.cycles,
        f"mongo_bytes_from_a_cycle_{phase.suffix}": (counted.answered - answered) / worked.cycles,
    }


if __name__ == "__main__":
    sys.exit(main())
