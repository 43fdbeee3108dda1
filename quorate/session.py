"""A client for the command that runs."""

import click

from quorate.client import Client
from quorate.options import Options


def connected(options: Options, user: str | None = None) -> Client:
    """As the caller of the command, or as another user."""
    try:
        if options.key is not None:
            return Client(options.url, key=options.key)
        return (options.connect or Client)(options.url, user or options.user)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
