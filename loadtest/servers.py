"""Servers of an experiment's own, without any data."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local import __main__ as local
from deploy.local import env_file
from deploy.local.errors import ServerNotUp


@contextmanager
def servers(folder: Path) -> Iterator[dict[str, str]]:
    """RabbitMQ, S3 and MongoDB's protocol in a folder, ended with the block; yields what services are told of them.

    Raises ServerNotUp.
    """
    try:
        if not local.start(folder, local.every(folder)):
            raise ServerNotUp("not all servers are up")
        yield env_file.read(folder)
    finally:
        stop_servers(folder)


def stop_servers(folder: Path) -> None:
    """Stop those of a folder, of an experiment that was killed, too."""
    if folder.exists():
        local.stop(folder, local.every(folder))
