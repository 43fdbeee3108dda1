"""What renditions cost an upload: a platform with them beside one without, in turns, so that noise meets both."""

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from statistics import median

from loadtest.bench.uploads import upload
from loadtest.command import BUILD
from loadtest.crowd import owner
from loadtest.measures import Numbers
from loadtest.pictures import large_photographs, photographs
from loadtest.platform_process import EMBEDDED, PlatformProcess, working_folder

TURNS = 9
WITHOUT = (sys.executable, "-P", "-m", "probes.plain_uploads")
COMMANDS = {"with": EMBEDDED, "without": WITHOUT}
Platforms = Mapping[str, PlatformProcess]


def measure() -> Numbers:
    """For small and for large pictures: processor time and time of the clock of an upload, with over without."""
    samples = {
        "640": owner.forms(photographs(BUILD / "bench-pictures")[:250]),
        "12mp": owner.forms(large_photographs(BUILD / "bench-pictures-large")),
    }
    with ExitStack() as stack:
        platforms = {
            name: stack.enter_context(
                PlatformProcess(stack.enter_context(working_folder(f"bench-{name}-renditions")), command=command)
            )
            for name, command in COMMANDS.items()
        }
        numbers: Numbers = {}
        for size, forms in samples.items():
            numbers |= {f"renditions_{name}_{size}": value for name, value in _compared(platforms, forms).items()}
    return numbers


def _compared(platforms: Platforms, forms: Sequence[owner.Form]) -> Numbers:
    pictures = sum(form.count for form in forms)
    cpu_s: dict[str, list[float]] = {name: [] for name in platforms}
    wall_s: dict[str, list[float]] = {name: [] for name in platforms}
    for turn in range(1 + TURNS):
        for name in sorted(platforms, reverse=turn % 2 == 0):
            platform = platforms[name]
            began, cpu_began = time.perf_counter(), platform.cpu_s()
            asyncio.run(upload(platform.port, forms, [f"renditions {turn}"]))
            if turn:  # the first warms up
                wall_s[name].append(time.perf_counter() - began)
                cpu_s[name].append(platform.cpu_s() - cpu_began)
    return {
        "cpu_ms": median(cpu_s["with"]) / pictures * 1000,
        "cpu_over_without": _ratio(cpu_s),
        "time_over_without": _ratio(wall_s),
    }


def _ratio(measured: Mapping[str, Sequence[float]]) -> float:
    return median(one / other for one, other in zip(measured["with"], measured["without"], strict=True))
