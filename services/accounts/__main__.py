"""`python -P -m services.accounts`: people, keys and sessions, until it is told to stop."""

import sys

from services.accounts.app import create
from services.accounts.settings import AccountsSettings
from shared.http.serving import serve


def main() -> int:
    """Serve; returns the exit status."""
    return serve(AccountsSettings, create)


if __name__ == "__main__":
    sys.exit(main())
