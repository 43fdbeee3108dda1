"""Files that are replaced whole or not at all."""

import errno
import os
import shutil
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(target: Path) -> Generator[BinaryIO]:
    """A file beside the target that takes its place once the block has ended well; else the target stays as it was."""
    real = Path(os.path.realpath(target))
    if not real.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(target.parent))
    beside = real.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with _opened(beside, target) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if real.exists():
            shutil.copymode(real, beside)
        beside.replace(real)
    finally:
        beside.unlink(missing_ok=True)


def _opened(beside: Path, target: Path) -> BinaryIO:
    try:
        return beside.open("x+b")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(target)) from error
