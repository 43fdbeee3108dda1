"""`python -P -m services.task_manager`: batches in, results out, until it is told to stop."""

import sys

from services.task_manager.app import create_app
from services.task_manager.settings import TaskManagerSettings
from shared.http.serving import Deployable, serve


def _prepare() -> Deployable:
    settings = TaskManagerSettings()  # pyright: ignore[reportCallIssue] - from the environment
    settings.refuse_if_unsafe()
    app = create_app(settings)
    endless = app.state.progress  # streams that would never end by themselves
    return Deployable(app=app, settings=settings, before_shutdown=endless.close)


if __name__ == "__main__":
    sys.exit(serve(_prepare))
