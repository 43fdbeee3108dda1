"""Files that are replaced whole or not at all."""

import errno
import os
import shutil
import uuid
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(target: Path, begun: Path | None = None) -> Generator[BinaryIO]:
    """A file beside the target that takes its place once the block has ended well; else the target stays as it was.

    begun: a file that is gone on with; where it is there no more, another one is begun.
    """
    real = Path(os.path.realpath(target))
    if not real.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(target.parent))
    beside = real.with_name(f".{uuid.uuid4().hex}.part")
    try:
        if begun is not None:
            with suppress(FileNotFoundError):
                begun.replace(beside)
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
        return beside.open("r+b" if beside.exists() else "x+b")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(target)) from error
