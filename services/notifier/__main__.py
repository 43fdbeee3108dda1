"""`python -P -m services.notifier`: webhooks and their deliveries, until it is told to stop; with `migrate`, it
makes its database ready for this release, and ends."""

import sys
from collections.abc import Sequence
from functools import partial

from services.notifier.app import create, migrations
from services.notifier.settings import NotifierSettings
from shared.settings.migrating import migrate, serve_or


def main(arguments: Sequence[str] = ()) -> int:
    """Serve, or do what the argument names; returns the exit status."""
    commands = {"migrate": partial(migrate, migrations)}
    return serve_or(arguments, NotifierSettings, create, commands)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
