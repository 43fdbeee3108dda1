"""`quorate migrate`: a service's database, made ready for this release."""

import os
import sys
from importlib.util import find_spec

import click

from quorate.exits import Exit
from quorate.terminal import say

SERVICES = ("accounts", "consensus", "notifier", "subtask_manager", "task_manager")


@click.command()
@click.argument("service", type=click.Choice(SERVICES))
def migrate(service: str) -> None:
    """Make a database ready for this release.

    Builds the indexes that a service lacks in MongoDB, and waits for them, however long it takes: before the release,
    beside the services that run. The database is that of QUORATE_MONGO_URL and QUORATE_MONGO_DATABASE, as the service
    has them.
    """
    if find_spec("services") is None or find_spec("pymongo") is None:
        say("The server is not installed here. Install it with: pip install 'quorate[server]'")
        raise SystemExit(Exit.USAGE)
    # Replaced, not a child: the exit code is the service's own. -P: not from the current folder.
    os.execv(sys.executable, [sys.executable, "-P", "-m", f"services.{service}", "migrate"])  # noqa: S606 - no shell is the point
