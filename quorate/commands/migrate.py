"""`quorate migrate`: a service's database, made ready for this release."""

import click

from quorate.becoming import become

SERVICES = ("accounts", "consensus", "notifier", "subtask_manager", "task_manager")


@click.command()
@click.argument("service", type=click.Choice(SERVICES))
def migrate(service: str) -> None:
    """Make a database ready for this release.

    Builds the indexes that a service lacks in MongoDB, and waits for them, however long it takes: before the release,
    beside the services that run. The database is that of QUORATE_MONGO_URL and QUORATE_MONGO_DATABASE, as the service
    has them.
    """
    become(f"services.{service}", "migrate", needs="pymongo")
