"""`python -P -m loadtest.bench`: measure, print a table, write build/bench.json."""

import argparse
import asyncio
import sys
import time

from loadtest import command
from loadtest.bench import access, cycles, export, renditions, report, scale, start, uploads
from loadtest.command import BUILD
from loadtest.crowd import owner
from loadtest.measures import Numbers
from loadtest.pictures import photographs
from loadtest.platform_process import PlatformProcess, working_folder

PARTS = ("start", "uploads", "renditions", "cycles", "access", "scale", "export")
OWN_PLATFORMS = {
    "start": start.measure,
    "renditions": renditions.measure,
    "access": access.measure,
    "scale": scale.measure,
    "export": export.measure,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="loadtest.bench", description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts to run, of {', '.join(PARTS)}")
    parser.add_argument("--seconds", type=float, default=6.0, help="how long each number of operators works")
    options = parser.parse_args()
    parts = options.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    return command.run("bench failed", lambda: _measure([part for part in PARTS if part in parts], options.seconds))


def _measure(parts: list[str], seconds: float) -> int:
    numbers: Numbers = {}
    for part in parts:
        began = time.perf_counter()
        print(f"{part} ...", flush=True)
        numbers |= _run(part, seconds)
        print(f"{part}: {time.perf_counter() - began:.0f} s", flush=True)
    return report.conclude(numbers, BUILD / "bench.json")


def _run(part: str, seconds: float) -> Numbers:
    if part in OWN_PLATFORMS:
        return OWN_PLATFORMS[part]()
    forms = owner.forms(photographs(BUILD / "bench-pictures"))
    with working_folder(f"bench-{part}") as folder, PlatformProcess(folder, log_level="info") as platform:
        if part == "uploads":
            return asyncio.run(uploads.measure(platform, forms))
        numbers = asyncio.run(cycles.measure(platform, forms, seconds))
        return numbers | {"loaded_mib": platform.memory_mib()}


if __name__ == "__main__":
    sys.exit(main())
