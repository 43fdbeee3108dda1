"""`python -P -m services.task_manager`: batches in, results out, until it is told to stop."""

import sys

from services.task_manager.app import create
from services.task_manager.settings import TaskManagerSettings
from shared.http.serving import serve


def main() -> int:
    """Serve; returns the exit status."""
    return serve(TaskManagerSettings, create)


if __name__ == "__main__":
    sys.exit(main())
