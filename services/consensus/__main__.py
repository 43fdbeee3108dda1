"""`python -P -m services.consensus`: the consensus service, until it is told to stop; with `migrate`, it makes its
database ready for this release, and ends. With a file of votes, estimates on that file, as `quorate consensus` starts
it."""

import sys
from collections.abc import Sequence

from shared.memory_bound import bound

MEMORY_BYTES = 2 * 1024**3
"""Of addresses: a file that takes more ends the command, not the machine's other work."""


def main(arguments: Sequence[str] = ()) -> int:
    """Serve, migrate, or estimate within bounds of memory; returns the exit status."""
    return _serve(arguments) if [*arguments] in ([], ["migrate"]) else _estimate(arguments)


def _estimate(arguments: Sequence[str]) -> int:
    bound(MEMORY_BYTES)
    from services.consensus.command import main as estimate  # noqa: PLC0415 - loads numpy, which has to come after it

    return estimate(arguments)


def _serve(arguments: Sequence[str]) -> int:
    from services.consensus.app import create, migrations  # noqa: PLC0415 - a command on a file needs none of it
    from services.consensus.settings import ConsensusServiceSettings  # noqa: PLC0415
    from shared.settings.migrating import serve_or_migrate  # noqa: PLC0415

    return serve_or_migrate(arguments, ConsensusServiceSettings, create, migrations)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
