"""`python -P -m tests.hostile --seconds N --seed S`, or `--again NOUN NUMBER` for one input at a platform of yours."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.hostile import siege
from tests.hostile.siege import Plan
from tests.hostile.world import HostileWorld

OUT = Path("build/hostile")


def main() -> int:
    """Run a siege; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="tests.hostile", description=__doc__)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--seed", type=int, help="of the inputs and of what people do; default: a new one")
    parser.add_argument("--operators", type=int, default=32)
    parser.add_argument("--out", type=Path, default=OUT, help="for the report")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(10**9) if given.seed is None else given.seed
    _say(f"seed {seed}")
    out = given.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix="run-") as folder:
        plan = Plan(seconds=given.seconds, seed=seed, operators=given.operators)
        report = siege.run(HostileWorld(Path(folder)), plan, _say)
    path = report.write(out)
    _say(f"\n{report.words()}\n\nwritten to {path}")
    return 1 if report.broken() else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
