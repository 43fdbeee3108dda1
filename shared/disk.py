"""What an error of the disk means to a caller."""

import contextlib
import errno
from collections.abc import Generator

from shared.errors import StorageFull, Unavailable


@contextlib.contextmanager
def errors_named(disk: str) -> Generator[None]:
    """Raise StorageFull or Unavailable for an OSError; `disk` says of what, as in "the disk of the object store"."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(f"there is no room left on {disk}") from error
        raise Unavailable(f"{disk} does not answer now") from error
