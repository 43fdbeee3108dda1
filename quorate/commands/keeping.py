"""`quorate backup`, `restore` and `check`: a data folder of a platform in one process, on this machine."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import click

from quorate.exits import Exit
from quorate.terminal import say

FOLDER = click.Path(path_type=Path)


@click.command()
@click.argument("data_dir", type=FOLDER)
@click.argument("target", type=FOLDER)
def backup(data_dir: Path, target: Path) -> None:
    """Copy a data folder while the platform runs.

    The copy is as everything was at one instant; people go on working. Pictures are linked, not copied, where both
    folders are on one file system. Run it as the user that the platform runs as.
    """
    _become("backup", str(data_dir), str(target))


@click.command()
@click.argument("backup", type=FOLDER)
@click.argument("data_dir", type=FOLDER)
def restore(backup: Path, data_dir: Path) -> None:
    """Make a new data folder of a backup."""
    _become("restore", str(backup), str(data_dir))


@click.command()
@click.argument("data_dir", type=FOLDER)
@click.option("--contents", is_flag=True, help="Read every picture, too, and compare it with its hash.")
@click.option("--mend", is_flag=True, help="Put counts right that are wrong; nothing else is changed.")
def check(data_dir: Path, *, contents: bool, mend: bool) -> None:
    """Check whether a data folder agrees with itself.

    A backup can be checked, too. It counts images and open subtasks again, looks for the picture of each image, and
    compares what the two services know of each. The platform must not be running in the folder. The status is 1 where
    something is found.
    """
    _become("check", str(data_dir), *(["--contents"] if contents else []), *(["--mend"] if mend else []))


def _become(*arguments: str) -> NoReturn:
    if find_spec("embedded") is None:
        say("The server is not installed here. Install it with: pip install 'quorate[server]'")
        raise SystemExit(Exit.USAGE)
    # Replaced, not a child: the exit code is its own. -P: not from the current folder.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "embedded.keeping", *arguments])  # noqa: S606 - no shell is the point
