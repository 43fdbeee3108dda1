"""`python -P -m tests.webhooks`: 10,000 deliveries while the platform is killed again and again."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.webhooks.drill import drill


def main() -> int:
    """Returns the exit status: 1 where something was lost, doubled or not signed."""
    parser = argparse.ArgumentParser(prog="tests.webhooks", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    options = parser.parse_args()
    sys.stdout.write(f"seed {options.seed}\n")
    with tempfile.TemporaryDirectory() as folder:
        found = drill(Path(folder), deliveries=options.deliveries, kills=options.kills, seed=options.seed)
    sys.stdout.write(f"{found}\n")
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
