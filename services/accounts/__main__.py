"""`python -P -m services.accounts`: people, keys and sessions, until it is told to stop; with `migrate`, it
makes its database ready for this release, and ends."""

import sys
from collections.abc import Sequence

from services.accounts.app import create, migrations
from services.accounts.settings import AccountsSettings
from shared.settings.migrating import serve_or_migrate


def main(arguments: Sequence[str] = ()) -> int:
    """Serve or migrate; returns the exit status."""
    return serve_or_migrate(arguments, AccountsSettings, create, migrations)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
