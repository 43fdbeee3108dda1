"""`python -P -m services.worker`: does steps of pipelines, until it is told to stop."""

import sys
from collections.abc import Sequence

from shared.memory_bound import bound, share_arenas

MEMORY_BYTES = 3 * 1024**3 // 2
"""Of addresses: a picture that takes more fails, and the worker goes on."""


def main(arguments: Sequence[str] = ()) -> int:
    """Serve within bounds of memory; returns the exit status."""
    if arguments:
        print("usage: python -P -m services.worker", file=sys.stderr)  # noqa: T201
        return 2
    bound(MEMORY_BYTES)
    share_arenas()
    from services.worker.app import create  # noqa: PLC0415 - loads numpy, which has to come after the bound
    from services.worker.settings import WorkerServiceSettings  # noqa: PLC0415
    from shared.http.serving import serve  # noqa: PLC0415

    return serve(WorkerServiceSettings, create)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
