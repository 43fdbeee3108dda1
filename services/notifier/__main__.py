"""`python -P -m services.notifier`: webhooks and their deliveries, until it is told to stop."""

import sys

from services.notifier.app import create
from services.notifier.settings import NotifierSettings
from shared.http.serving import serve


def main() -> int:
    """Serve; returns the exit status."""
    return serve(NotifierSettings, create)


if __name__ == "__main__":
    sys.exit(main())
