"""`python -P -m loadtest.bench_consensus`: estimates on 1,000,000 votes; writes build/bench-consensus.json.

Each method runs in a process of its own, so that the memory is its own; then `quorate consensus` on a file of as many,
and the label loop of a platform that makes a run on as many.
"""

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from loadtest import command
from loadtest.bench import report
from loadtest.bench_consensus import label_loop
from loadtest.command import BUILD, ROOT
from loadtest.errors import MeasurementFailed
from loadtest.measures import Numbers
from loadtest.platform_process import working_folder

GOALS = {"ds_1m_s": ("<", 3.0), "peak_mib": ("<", 300.0), "loop_beside_run": (">", 0.95)}
METHODS = ("ds", "mace", "one-coin", "glad")
LIMIT_S = 600
VOTERS, LABELS, EACH = 2_000, 5, 5
KIB = 1024


def main() -> int:
    parser = argparse.ArgumentParser(prog="loadtest.bench_consensus", description=__doc__)
    parser.add_argument("--votes", type=int, default=1_000_000, help=f"how many, {EACH} on each image")
    options = parser.parse_args()
    return command.run(
        "bench failed", lambda: report.conclude(_measure(options.votes), BUILD / "bench-consensus.json", GOALS)
    )


def _measure(votes: int) -> Numbers:
    numbers: Numbers = {}
    for method in METHODS:
        print(f"{method} ...", flush=True)
        told = _probe(method, votes // EACH)
        name = method.replace("-", "_")
        numbers |= {f"{name}_1m_s": told["seconds"], f"{name}_1m_cpu_s": told["cpu_s"]}
        numbers["peak_mib"] = max(told["peak_mib"], numbers.get("peak_mib", 0))
    print("file ...", flush=True)
    with working_folder("bench-consensus") as folder:
        numbers |= _file(folder, votes // EACH)
    print("label loop ...", flush=True)
    return numbers | label_loop.measure(votes // EACH)


def _probe(method: str, images: int) -> Numbers:
    probe = [sys.executable, "-P", "-m", "probes.consensus_speed", "--method", method, "--images", str(images)]
    done = subprocess.run(probe, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode:
        raise MeasurementFailed(f"{method} could not be measured: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def _file(folder: Path, images: int) -> Numbers:
    """The whole command with all methods, from a file to a file."""
    votes = folder / "votes.csv"
    _write(votes, images)
    quorate = Path(sys.executable).with_name("quorate")
    began = time.perf_counter()
    child = subprocess.Popen([quorate, "consensus", votes, "-o", folder / "labels.csv"], cwd=ROOT)
    _, status, used = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise MeasurementFailed(f"`quorate consensus` ended with {child.returncode}")
    return {"file_1m_s": seconds, "file_peak_mib": used.ru_maxrss / KIB}


def _write(path: Path, images: int) -> None:
    """Votes of people who are right in seven of ten cases."""
    chance = random.Random(0)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["task", "worker", "label"])
        for image in range(images):
            truth = chance.randrange(LABELS)
            for voter in chance.sample(range(VOTERS), EACH):
                label = truth if chance.random() < 0.7 else chance.randrange(LABELS)
                writer.writerow([f"image-{image:06}", f"worker-{voter:04}", f"label {label}"])


if __name__ == "__main__":
    sys.exit(main())
