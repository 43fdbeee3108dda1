"""A small disk, and how to fill it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.servers import lacks


@contextmanager
def mounted(folder: Path) -> Iterator[Path]:
    """A disk of 8 MB on a folder."""
    if os.geteuid() != 0:
        lacks("it takes root to mount a small disk")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=False).returncode:
        lacks("a small disk cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def fill(ballast: Path) -> None:
    """Take the disk's last byte."""
    with ballast.open("wb", buffering=0) as file:
        for block in (bytes(65_536), bytes(4_096)):
            with suppress(OSError):
                while file.write(block):
                    pass
