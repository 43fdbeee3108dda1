"""`python -P -m services.accounts`: people, keys and sessions, until it is told to stop; with `migrate`, it
makes its database ready for this release, and ends; with `republish`, it tells anew what a lost broker held, and
ends."""

import sys
from collections.abc import Sequence
from functools import partial

from services.accounts.app import create, migrations, told_anew
from services.accounts.settings import AccountsSettings
from shared.settings.migrating import migrate, serve_or
from shared.settings.republishing import republish


def main(arguments: Sequence[str] = ()) -> int:
    """Serve, or do what the argument names; returns the exit status."""
    commands = {"migrate": partial(migrate, migrations), "republish": partial(republish, "accounts", told_anew)}
    return serve_or(arguments, AccountsSettings, create, commands)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
