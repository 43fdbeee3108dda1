"""A client for the command that runs."""

import click

from quorate import stored_keys
from quorate.client import Client
from quorate.options import Options


def connected(options: Options, user: str | None = None) -> Client:
    """As the caller of the command, or as another user.

    By the key that was given, else under the name that was given, else by the key that `quorate login` kept for this
    platform. Whoever has a key is its person, and nobody else.
    """
    key = options.key or (None if options.user else stored_keys.find(options.url))
    return opened(options, None if key else user or options.user, key)


def opened(options: Options, user: str | None, key: str | None) -> Client:
    """A client for the platform that the options name, as just this caller."""
    try:
        return (options.connect or Client)(options.url, user, key=key)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
