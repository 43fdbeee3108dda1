"""`python -P -m probes.consensus_speed --method ds`: how long an estimate takes, and how much memory the process.

Draws votes of a crowd with skills of its own, and times numbering them and the estimate, some times. Prints one line of
JSON: seconds and cpu_s (the medians), rounds, peak_mib (the most that the process ever had) and idle_mib (what it had
before).
"""

import argparse
import json
import resource
import sys
import time
from statistics import median

import numpy as np

from services.consensus.domain.exact import Ints
from services.consensus.domain.methods import METHODS, estimate
from services.consensus.domain.votes import votes_of

MIB = 1024  # resource counts in KiB on Linux
SPREAD = 0.15


def main() -> int:
    parser = argparse.ArgumentParser(prog="probes.consensus_speed", description=__doc__)
    parser.add_argument("--method", choices=METHODS, default="ds")
    parser.add_argument("--images", type=int, default=200_000)
    parser.add_argument("--each", type=int, default=5, help="votes on each image")
    parser.add_argument("--voters", type=int, default=2_000)
    parser.add_argument("--labels", type=int, default=5)
    parser.add_argument("--times", type=int, default=3)
    print(json.dumps(measure(parser.parse_args())))
    return 0


def measure(options: argparse.Namespace) -> dict[str, float]:
    idle_mib = _peak_mib()
    image, voter, label = crowd(options.images, options.each, options.voters, options.labels)
    seconds: list[float] = []
    cpu_s: list[float] = []
    rounds = 0
    for _ in range(options.times):
        began, began_cpu = time.perf_counter(), time.process_time()
        votes = votes_of(image, voter, label, images=options.images, voters=options.voters, labels=options.labels)
        rounds = estimate(options.method, votes).rounds
        seconds.append(time.perf_counter() - began)
        cpu_s.append(time.process_time() - began_cpu)
    return {
        "seconds": median(seconds),
        "cpu_s": median(cpu_s),
        "rounds": rounds,
        "peak_mib": _peak_mib(),
        "idle_mib": idle_mib,
    }


def crowd(images: int, each: int, voters: int, labels: int) -> tuple[Ints, Ints, Ints]:
    """Votes in the order of images; a voter's second vote on an image is as good as drawn never."""
    chance = np.random.default_rng(0)
    skill = np.clip(chance.normal(0.7, SPREAD, voters), 0.05, 0.98)
    image = np.repeat(np.arange(images), each)
    voter = chance.integers(voters, size=len(image))
    is_right = chance.random(len(image)) < skill[voter]
    truth = chance.integers(labels, size=images)
    return image, voter, np.where(is_right, truth[image], chance.integers(labels, size=len(image)))


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB


if __name__ == "__main__":
    sys.exit(main())
