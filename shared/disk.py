"""Files: errors of the disk as errors of Quorate, and reads from the page cache."""

import contextlib
import errno
import os
import sys
from collections.abc import Generator
from pathlib import Path

from shared.errors import StorageFull, Unavailable

AT_ONCE_BYTES = 1_000_000
"""Copying a larger file would block the event loop for longer than waking a thread takes."""


@contextlib.contextmanager
def errors_named(disk: str) -> Generator[None]:
    """Raise StorageFull or Unavailable for an OSError. `disk` names the disk, as in "the disk of the object store"."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(f"there is no room left on {disk}") from error
        raise Unavailable(f"{disk} does not answer now") from error


def read_at_once(path: Path) -> bytes | None:
    """A file, if all of it is in the page cache: then no thread has to wait for the disk. Else None."""
    if sys.platform != "linux":
        return None
    with contextlib.suppress(OSError), path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if size <= AT_ONCE_BYTES:
            data = bytearray(size)
            if os.preadv(file.fileno(), [data], 0, os.RWF_NOWAIT) == size:
                return bytes(data)
    return None
