"""`quorate serve`: the platform in one process, on this machine."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from quorate.exits import Exit
from quorate.options import TEXT
from quorate.terminal import say


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
    if find_spec("embedded") is None or find_spec("uvicorn") is None:
        say("The server is not installed here. Install it with: pip install 'quorate[server]'")
        raise SystemExit(Exit.USAGE)
    os.environ["QUORATE_HOST"] = host
    os.environ["QUORATE_PORT"] = str(port)
    if data_dir is not None:
        os.environ["QUORATE_DATA_DIR"] = str(data_dir.absolute())
    # Replaced, not a child: signals and the exit code are the server's own. -P: not from the current folder.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "embedded"])  # noqa: S606 - no shell is the point
