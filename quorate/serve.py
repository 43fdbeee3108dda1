"""`quorate serve`: the platform in one process, on this machine."""

import os
from pathlib import Path

import click

from quorate.becoming import become
from quorate.options import TEXT


@click.command()
@click.option(
    "--host", type=TEXT, default="127.0.0.1", show_default=True, envvar="QUORATE_HOST", help="Address to listen on."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    envvar="QUORATE_PORT",
    help="Port to listen on.",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="QUORATE_DATA_DIR",
    help="Where images and databases are kept.",
)
def serve(host: str, port: int, data_dir: Path | None) -> None:
    """Run the whole platform in one process."""
    os.environ["QUORATE_HOST"] = host
    os.environ["QUORATE_PORT"] = str(port)
    if data_dir is not None:
        os.environ["QUORATE_DATA_DIR"] = str(data_dir.absolute())
    become("embedded", needs="uvicorn")
