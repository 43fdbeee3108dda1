"""`python -P -m services.consensus`: estimates on a file of votes, as `quorate consensus` starts it."""

import os
import resource
import sys

MEMORY_BYTES = 2 * 1024**3
"""Of addresses: a file that takes more ends the command, not the machine's other work."""


def main() -> int:
    """Estimate within bounds of memory; returns the exit status."""
    # Each thread of numpy's linear algebra reserves addresses of its own, and nothing here is faster by them.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES if hard == resource.RLIM_INFINITY else hard, hard))
    from services.consensus.command import main as estimate  # noqa: PLC0415 - loads numpy, which reads the line above

    return estimate(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
