"""`python -P -m loadtest.bench`: measure, print a table, write build/bench.json."""

import argparse
import asyncio
import signal
import sys
import time

from loadtest.bench import cycles, export, report, scale, start, uploads
from loadtest.bench.errors import BenchFailed
from loadtest.bench.pictures import pictures
from loadtest.bench.platform_process import BUILD, data_folder, running
from loadtest.bench.report import Numbers

PARTS = ("start", "uploads", "cycles", "scale", "export")


def main() -> int:
    parser = argparse.ArgumentParser(prog="loadtest.bench", description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts to run, of {', '.join(PARTS)}")
    parser.add_argument("--seconds", type=float, default=6.0, help="how long each number of operators works")
    options = parser.parse_args()
    parts = options.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    numbers: Numbers = {}
    try:
        for part in PARTS:
            if part in parts:
                began = time.perf_counter()
                print(f"{part} ...", flush=True)
                numbers |= _run(part, options.seconds)
                print(f"{part}: {time.perf_counter() - began:.0f} s", flush=True)
    except (BenchFailed, ExceptionGroup) as failed:
        print(f"bench failed: {_reason(failed)}", file=sys.stderr)
        return 1
    print()
    report.show(numbers)
    report.write(numbers, BUILD / "bench.json")
    print(f"\nwritten to {BUILD / 'bench.json'}")
    return 0


def _run(part: str, seconds: float) -> Numbers:
    if part == "start":
        return start.measure()
    if part == "scale":
        return scale.measure()
    if part == "export":
        return export.measure()
    requests = uploads.forms(pictures(BUILD / "bench-pictures"))
    with data_folder(part) as folder, running(folder) as platform:
        if part == "uploads":
            return asyncio.run(uploads.measure(platform, requests))
        numbers = asyncio.run(cycles.measure(platform, requests, seconds))
        return numbers | {"loaded_mib": platform.memory_mib()}


def _reason(error: BaseException) -> str:
    """What went wrong: the first of what went wrong at the same time."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main())
