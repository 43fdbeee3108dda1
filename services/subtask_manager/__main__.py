"""`python -P -m services.subtask_manager`: leases, votes and quorum, until it is told to stop; with `migrate`, it
makes its database ready for this release, and ends; with `republish`, it tells anew what a lost broker held, and
ends."""

import sys
from collections.abc import Sequence
from functools import partial

from services.subtask_manager.app import create, migrations, told_anew
from services.subtask_manager.settings import SubtaskManagerSettings
from shared.settings.migrating import migrate, serve_or
from shared.settings.republishing import republish


def main(arguments: Sequence[str] = ()) -> int:
    """Serve, or do what the argument names; returns the exit status."""
    commands = {"migrate": partial(migrate, migrations), "republish": partial(republish, "subtask_manager", told_anew)}
    return serve_or(arguments, SubtaskManagerSettings, create, commands)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
