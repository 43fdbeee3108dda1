"""`python -P -m loadtest.experiments.scale`: cost per operation over the number of subtasks and of operators."""

import argparse
import asyncio
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtest import command
from loadtest.command import BUILD
from loadtest.crowd import owner
from loadtest.crowd.calls import Cost
from loadtest.experiments.scale.measuring import by_operators, by_owner
from loadtest.experiments.scale.report import Found, Row, report
from loadtest.pictures import photographs
from loadtest.platform_process import PlatformProcess, seed, working_folder
from loadtest.report import write

SUBTASKS = (1_000, 10_000, 100_000, 1_000_000)
FULL = (*SUBTASKS, 10_000_000)
OPERATORS = (1, 10, 100, 1_000, 10_000)
DISK_BYTES = 2 * 1_800
"""For each subtask: about 1,750 bytes in both files together, and as much in their logs until the seed is saved."""
MEMORY_BYTES = 200
CACHE_BYTES = 2_300_000_000
"""What the seed keeps of its two files in memory at the most."""
SPARE_BYTES = 2_000_000_000


def main() -> int:
    """Measure; returns the exit status. What was measured is written even if it is interrupted or breaks off."""
    options = _options()
    found = Found()
    status = command.run("scale", lambda: _measure(options, found))
    if status:
        found.left_out.append("It was interrupted." if status == command.INTERRUPTED else "It broke off.")
    for line in found.left_out:
        print(f"scale: {line}", file=sys.stderr)
    if found.sizes:
        print(f"written to {write(report(found, _told(options)), options.out)}")
    return status


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="loadtest.experiments.scale", description=__doc__)
    numbers = command.numbers
    parser.add_argument("--subtasks", type=numbers, default=SUBTASKS, help="sizes of the task, between commas")
    parser.add_argument("--full", action="store_true", help=f"up to {FULL[-1]:,} subtasks: 40 GB of disk, an hour")
    parser.add_argument("--operators", type=numbers, default=OPERATORS, help="numbers of operators, between commas")
    parser.add_argument("--crowd-size", type=int, default=100, help="how many operators work at each size")
    parser.add_argument("--crowd-at", type=int, default=100_000, help="the size at which numbers of operators work")
    parser.add_argument("--connections", type=int, default=8, help="how many requests are under way at the most")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each number of operators works")
    parser.add_argument("--longest", type=float, default=60.0, help="when their last round is broken off, in seconds")
    parser.add_argument("--out", type=Path, default=Path("loadtest/results/scale"), help="where the report goes")
    return parser.parse_args()


def _measure(options: argparse.Namespace, found: Found) -> int:
    """Every size, the first once more at the end, and the numbers of operators at theirs."""
    forms = owner.forms(photographs(BUILD / "bench-pictures"))
    sizes = FULL if options.full else options.subtasks
    for size in (*sizes, sizes[0]):
        _measure_size(options, size, forms, found)
    _measure_operators(options, found)
    return 0


def _measure_size(options: argparse.Namespace, size: int, forms: Sequence[owner.Form], found: Found) -> None:
    async def costs() -> list[Cost]:
        working = await by_operators(platform, task_id, options.crowd_size, **_rounds(options))
        return [*working, *await by_owner(platform, task_id, forms)]

    with working_folder("scale") as folder:
        if lack := lacking(size, folder):
            found.left_out.append(f"{size:,} subtasks were left out: {lack}.")
            return
        platform = PlatformProcess(folder, log_level="info")
        began = time.monotonic()
        task_id = seed(platform.data_dir, size)
        seeded_s = time.monotonic() - began
        bytes_each = sum(path.stat().st_size for path in platform.data_dir.glob("*.sqlite")) / size
        with platform:
            rows = [Row(subtasks=size, operators=options.crowd_size, cost=cost) for cost in asyncio.run(costs())]
            found.sizes.append((size, seeded_s, bytes_each, platform.memory_mib()))
    found.by_subtasks.extend(rows)
    print(*rows, sep="\n", flush=True)


def _measure_operators(options: argparse.Namespace, found: Found) -> None:
    with working_folder("scale") as folder:
        if lack := lacking(options.crowd_at, folder):
            found.left_out.append(f"Numbers of operators were left out: {lack}.")
            return
        platform = PlatformProcess(folder, log_level="info")
        task_id = seed(platform.data_dir, options.crowd_at)
        with platform:
            for operators in options.operators:
                costs = asyncio.run(by_operators(platform, task_id, operators, **_rounds(options)))
                rows = [Row(subtasks=options.crowd_at, operators=operators, cost=cost) for cost in costs]
                found.by_operators.extend(rows)
                print(*rows, sep="\n", flush=True)


def _rounds(options: argparse.Namespace) -> dict[str, Any]:
    return {"connections": options.connections, "seconds": options.seconds, "longest_s": options.longest}


def lacking(count: int, folder: Path) -> str | None:
    """What there is too little of for so many subtasks, in words; None where there is room."""
    disk_bytes = count * DISK_BYTES + SPARE_BYTES
    if (free := shutil.disk_usage(folder).free) < disk_bytes:
        return f"needs {disk_bytes / 1e9:.0f} GB of disk, {free / 1e9:.0f} GB are free"
    memory_bytes = count * MEMORY_BYTES + min(CACHE_BYTES, count * DISK_BYTES)
    if (free := os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")) < memory_bytes:
        return f"needs {memory_bytes / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free"
    return None


def _told(options: argparse.Namespace) -> list[str]:
    setting = (
        "The embedded platform on SQLite, every answer durable. One task, whose subtasks take 100 votes each, so that "
        f"none ends. Operators are names: at most {options.connections} requests are under way at a time. "
        "In a round every operator leases one subtask, then each votes. Processor time is that of the platform alone."
    )
    terms = (
        "An upload is a request with 25 pictures of 640 x 480 and 65 kB, and its processor time is that of one of them "
        "until its subtask is open. A page has 100 results. The first size is measured once more at the end: what "
        "differs between the two is the machine."
    )
    return [setting, terms]


if __name__ == "__main__":
    sys.exit(main())
