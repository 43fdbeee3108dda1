"""`python -P -m services.subtask_manager`: leases, votes and quorum, until it is told to stop."""

import sys

from services.subtask_manager.app import create
from services.subtask_manager.settings import SubtaskManagerSettings
from shared.http.serving import serve


def main() -> int:
    """Serve; returns the exit status."""
    return serve(SubtaskManagerSettings, create)


if __name__ == "__main__":
    sys.exit(main())
