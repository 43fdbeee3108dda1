"""`python -P -m tests.chaos.launcher <module> [options]`: a service, misbehaving as it is told."""

import argparse
import importlib
import sys

from tests.chaos import defects, defects_distributed, patches
from tests.chaos.triggers import Triggers

REMEMBERED = 500
PLANTED = {**defects.DEFECTS, **defects_distributed.DEFECTS}


def main() -> int:
    """Patch, and serve; returns the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("module")
    parser.add_argument("--defect", choices=sorted(PLANTED))
    parser.add_argument("--sweep-s", type=float, default=5.0)
    parser.add_argument("--remembered", type=int, default=REMEMBERED, help="so many events can be delivered again")
    given = parser.parse_args()
    triggers = Triggers.from_environment()
    patches.shorten(triggers, given.sweep_s)
    patches.name_people()
    patches.break_fsync(triggers)
    patches.repeat_events(triggers, given.remembered)
    if given.defect:
        PLANTED[given.defect].plant()
    its_main = importlib.import_module(f"{given.module}.__main__")
    return its_main.main([]) if given.module == "services.detector" else its_main.main()


if __name__ == "__main__":
    sys.exit(main())
