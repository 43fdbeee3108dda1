"""What decoders free goes back to the system."""

import ctypes

_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of glibc's malloc.h
_LARGE_BYTES = 4_000_000


def give_back_large_blocks() -> None:
    """Have glibc map blocks of several megabytes by themselves for as long as the process lives.

    Left alone it comes to keep blocks of up to 32 MB in every thread's arena: four threads that had each decoded one
    picture of 6 megapixels held 200 MB of nothing. Other C libraries are left as they are.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        library.mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
