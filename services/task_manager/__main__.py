"""`python -P -m services.task_manager`: batches in, results out, until it is told to stop; with `migrate`, it
makes its database ready for this release, and ends."""

import sys
from collections.abc import Sequence

from services.task_manager.app import create, migrations
from services.task_manager.settings import TaskManagerSettings
from shared.settings.migrating import serve_or_migrate


def main(arguments: Sequence[str] = ()) -> int:
    """Serve or migrate; returns the exit status."""
    return serve_or_migrate(arguments, TaskManagerSettings, create, migrations)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
