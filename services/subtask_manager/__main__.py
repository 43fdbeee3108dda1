"""`python -P -m services.subtask_manager`: leases, votes and quorum, until it is told to stop."""

import sys

from services.subtask_manager.app import create_app
from services.subtask_manager.settings import SubtaskManagerSettings
from shared.http.serving import Deployable, serve


def _prepare() -> Deployable:
    settings = SubtaskManagerSettings()  # pyright: ignore[reportCallIssue] - from the environment
    settings.refuse_if_unsafe()
    return Deployable(app=create_app(settings), settings=settings)


if __name__ == "__main__":
    sys.exit(serve(_prepare))
