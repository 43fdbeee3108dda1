"""`python -P -m services.notifier`: webhooks and their deliveries, until it is told to stop; with `migrate`, it
makes its database ready for this release, and ends."""

import sys
from collections.abc import Sequence

from services.notifier.app import create, migrations
from services.notifier.settings import NotifierSettings
from shared.settings.migrating import serve_or_migrate


def main(arguments: Sequence[str] = ()) -> int:
    """Serve or migrate; returns the exit status."""
    return serve_or_migrate(arguments, NotifierSettings, create, migrations)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
