"""Files that are replaced whole or not at all."""

import errno
import os
import shutil
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(slots=True)
class Beside:
    """An open file beside the one whose place it takes. `stays`: it lies under a name by which it is found again, and
    is left there when it does not take the place."""

    path: Path
    file: BinaryIO
    stays: bool = False

    def rename(self, path: Path) -> None:
        """Give it a name in its folder by which it is found again."""
        self.path, self.stays = self.path.replace(path), True

    def hide(self) -> None:
        """Take that name away."""
        if self.stays:
            self.rename(_hidden(self.path))
            self.stays = False


@contextmanager
def replacing(target: Path, begun: Beside | None = None) -> Generator[Beside]:
    """A file beside the target that takes its place once the block has ended well; else the target stays as it was.

    begun: one that is gone on with.
    """
    real = Path(os.path.realpath(target))
    if not real.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(target.parent))
    beside = begun or _new(real, target)
    try:
        with beside.file as file:
            yield beside
            beside.hide()
            file.flush()
            os.fsync(file.fileno())
        if real.exists():
            shutil.copymode(real, beside.path)
        beside.path.replace(real)
    finally:
        if not beside.stays:
            beside.path.unlink(missing_ok=True)


def _hidden(real: Path) -> Path:
    return real.with_name(f".{uuid.uuid4().hex}.part")


def _new(real: Path, target: Path) -> Beside:
    path = _hidden(real)
    try:
        return Beside(path, path.open("x+b"))
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(target)) from error
