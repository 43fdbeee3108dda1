"""`python -P -m loadtest.experiments.scale`: cost per operation over the number of subtasks and of operators."""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loadtest.bench.errors import BenchFailed
from loadtest.bench.pictures import pictures
from loadtest.bench.platform_process import BUILD, PlatformProcess, data_folder, running
from loadtest.bench.uploads import Form, forms
from loadtest.experiments.scale import crowd, owner, seeding
from loadtest.experiments.scale.figures import Measured, Row, Size, report, shown
from loadtest.report import write

INTERRUPTED = 130
SUBTASKS = (1_000, 10_000, 100_000, 1_000_000)
FULL = (*SUBTASKS, 10_000_000)
OPERATORS = (1, 10, 100, 1_000, 10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure: sizes with `crowd_size` operators, and numbers of operators in a task of `crowd_at` subtasks."""

    subtasks: Sequence[int]
    operators: Sequence[int]
    crowd_size: int
    crowd_at: int
    connections: int
    seconds: float
    longest_s: float

    def crowd(self, operators: int, task_id: str) -> crowd.Crowd:
        return crowd.Crowd(
            operators=operators,
            connections=self.connections,
            task_id=task_id,
            seconds=self.seconds,
            longest_s=self.longest_s,
        )


@dataclass(slots=True)
class Found:
    """What was measured so far, and in words what was left out."""

    sizes: list[Size] = field(default_factory=list[Size])
    by_subtasks: list[Row] = field(default_factory=list[Row])
    by_operators: list[Row] = field(default_factory=list[Row])
    left_out: list[str] = field(default_factory=list[str])


def main() -> int:
    """Measure; returns the exit status. What was measured is written even if it is interrupted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C: what was started is ended
    options = _parser().parse_args()
    found = Found()
    status = 0
    try:
        _measure(_plan(options), found)
    except KeyboardInterrupt:
        found.left_out.append("It was interrupted.")
        status = INTERRUPTED
    except (BenchFailed, ExceptionGroup, OSError) as error:
        found.left_out.append(f"It broke off: {error!r}")
        status = 1
    for line in found.left_out:
        print(f"scale: {line}", file=sys.stderr)
    if found.sizes:
        measured = Measured(sizes=found.sizes, by_subtasks=found.by_subtasks, by_operators=found.by_operators)
        print(f"written to {write(report(measured, [*_told(options), *found.left_out]), options.out)}")
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="loadtest.experiments.scale", description=__doc__)
    parser.add_argument("--subtasks", type=_numbers, default=SUBTASKS, help="sizes of the task, between commas")
    parser.add_argument("--full", action="store_true", help=f"up to {FULL[-1]:,} subtasks: 40 GB of disk, an hour")
    parser.add_argument("--operators", type=_numbers, default=OPERATORS, help="numbers of operators, between commas")
    parser.add_argument("--crowd-size", type=int, default=100, help="how many operators work at each size")
    parser.add_argument("--crowd-at", type=int, default=100_000, help="the size at which numbers of operators work")
    parser.add_argument("--connections", type=int, default=8, help="how many requests are under way at the most")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each number of operators works")
    parser.add_argument("--longest", type=float, default=60.0, help="when their last round is broken off, in seconds")
    parser.add_argument("--out", type=Path, default=Path("loadtest/results/scale"), help="where the report goes")
    return parser


def _numbers(text: str) -> tuple[int, ...]:
    numbers = tuple(int(number) for number in text.split(","))
    if min(numbers) < 1:
        raise argparse.ArgumentTypeError("numbers begin at 1")
    return numbers


def _plan(options: argparse.Namespace) -> Plan:
    return Plan(
        subtasks=FULL if options.full else options.subtasks,
        operators=options.operators,
        crowd_size=options.crowd_size,
        crowd_at=options.crowd_at,
        connections=options.connections,
        seconds=options.seconds,
        longest_s=options.longest,
    )


def _measure(plan: Plan, found: Found) -> None:
    """Every size, the first once more at the end, and the numbers of operators at theirs."""
    drawn = forms(pictures(BUILD / "bench-pictures"))
    for size in (*plan.subtasks, plan.subtasks[0]):
        _measure_size(plan, size, drawn, found)
    _measure_operators(plan, found)


def _measure_size(plan: Plan, size: int, drawn: Sequence[Form], found: Found) -> None:
    with data_folder("scale") as folder:
        if lack := seeding.lacking(size, folder):
            found.left_out.append(f"{size:,} subtasks were left out: {lack}.")
            return
        began = time.monotonic()
        task_id = seeding.seed(folder, size)
        seeded_s, bytes_each = time.monotonic() - began, seeding.size_bytes(folder) / size
        with running(folder) as platform:
            costs = asyncio.run(_costs(platform, plan, task_id, drawn))
            mib = platform.memory_mib()
    found.sizes.append(Size(subtasks=size, seeded_s=seeded_s, bytes_each=bytes_each, platform_mib=mib))
    rows = [Row(subtasks=size, operators=plan.crowd_size, cost=cost) for cost in costs]
    found.by_subtasks.extend(rows)
    _show(rows)


async def _costs(platform: PlatformProcess, plan: Plan, task_id: str, drawn: Sequence[Form]):
    return [
        *await crowd.measure(platform, plan.crowd(plan.crowd_size, task_id)),
        *await owner.measure(platform, task_id, drawn),
    ]


def _measure_operators(plan: Plan, found: Found) -> None:
    with data_folder("scale") as folder:
        if lack := seeding.lacking(plan.crowd_at, folder):
            found.left_out.append(f"Numbers of operators were left out: {lack}.")
            return
        task_id = seeding.seed(folder, plan.crowd_at)
        with running(folder) as platform:
            for operators in plan.operators:
                costs = asyncio.run(crowd.measure(platform, plan.crowd(operators, task_id)))
                rows = [Row(subtasks=plan.crowd_at, operators=operators, cost=cost) for cost in costs]
                found.by_operators.extend(rows)
                _show(rows)


def _show(rows: Sequence[Row]) -> None:
    for row in rows:
        print(shown(row), flush=True)


def _told(options: argparse.Namespace) -> list[str]:
    setting = (
        "The embedded platform on SQLite, every answer durable. One task, whose subtasks take 100 votes each, so that "
        f"none ends. Operators are names: at most {options.connections} requests are under way at a time. "
        "In a round everybody leases one subtask, then everybody votes. Processor time is that of the platform alone."
    )
    terms = (
        "An upload is a request with 25 pictures of 640 x 480 and 65 kB, and its processor time is that of one of them "
        "until its subtask is open. A page has 100 results. The first size is measured once more at the end: what "
        "differs between the two is the machine."
    )
    return [setting, terms]


if __name__ == "__main__":
    sys.exit(main())
