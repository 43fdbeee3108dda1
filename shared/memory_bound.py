"""How much memory, as addresses, this process may take."""

import ctypes
import os
import resource

_ARENA_MAX = -8  # M_ARENA_MAX of glibc's malloc.h
_ARENAS = 2


def bound(memory_bytes: int) -> None:
    """Have whatever takes more fail, instead of the machine's other work. Call it before numpy is loaded: each thread
    of its linear algebra reserves addresses, and nothing here is faster by them."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def share_arenas() -> None:
    """Have all threads allocate from the same two arenas: glibc reserves 64 MiB of addresses for each, and gives every
    thread one. Other C libraries are left as they are."""
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        library.mallopt(_ARENA_MAX, _ARENAS)
