"""`quorate backup`, `restore` and `check`: a data folder of a platform in one process, on this machine."""

from pathlib import Path

import click

from quorate.becoming import become

KEEPING = "embedded.keeping"
FOLDER = click.Path(path_type=Path)


@click.command()
@click.argument("data_dir", type=FOLDER)
@click.argument("target", type=FOLDER)
def backup(data_dir: Path, target: Path) -> None:
    """Copy a data folder while the platform runs.

    The copy is as everything was at one instant; people go on working. Pictures are linked, not copied, where both
    folders are on one file system. Run it as the user that the platform runs as.
    """
    become(KEEPING, "backup", str(data_dir), str(target), needs="orjson")


@click.command()
@click.argument("backup", type=FOLDER)
@click.argument("data_dir", type=FOLDER)
def restore(backup: Path, data_dir: Path) -> None:
    """Make a new data folder of a backup."""
    become(KEEPING, "restore", str(backup), str(data_dir), needs="orjson")


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
    asked = [*(["--contents"] if contents else []), *(["--mend"] if mend else [])]
    become(KEEPING, "check", str(data_dir), *asked, needs="orjson")
