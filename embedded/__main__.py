"""`python -P -m embedded`: the whole platform, until it is told to stop."""

import sys
from dataclasses import replace

from embedded import data_dir
from embedded.app import assemble
from embedded.settings import Settings
from embedded.soundness import refuse_unusable
from shared.http.serving import Deployable, serve


def main() -> int:
    """Serve; returns the exit status."""
    return serve(Settings, _create)


def _create(settings: Settings) -> Deployable:
    lock = data_dir.lock(settings.data_dir)
    platform = assemble(settings)
    refuse_unusable(settings.data_dir, platform.databases)
    return replace(platform.deployable, guard=lock)


if __name__ == "__main__":
    sys.exit(main())
