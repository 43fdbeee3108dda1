"""`python -P -m embedded`: the whole platform, until it is told to stop."""

import sys

from embedded import data_dir
from embedded.app import create_app
from embedded.settings import Settings
from shared.http.serving import Deployable, serve


def main() -> int:
    """Serve; returns the exit status."""
    return serve(_prepare)


def _prepare() -> Deployable:
    settings = Settings()
    settings.refuse_if_unsafe()
    lock = data_dir.lock(settings.data_dir)
    app = create_app(settings)
    endless = app.state.platform.tasks.progress  # streams that would never end by themselves
    return Deployable(app=app, settings=settings, guard=lock, before_shutdown=endless.close)


if __name__ == "__main__":
    sys.exit(main())
