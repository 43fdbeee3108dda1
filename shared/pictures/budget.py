"""How much memory the decoders of a process hold together."""

import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager

from shared.pictures.refusals import PictureRejected


class DecodingBudget:
    """So many bytes for all pictures being decoded at a time. Threads wait for their part, first come first served."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._free = max_bytes
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @property
    def held_bytes(self) -> int:
        """How much of it is taken."""
        return self.max_bytes - self._free

    @property
    def waiting(self) -> int:
        """How many pictures wait for their part."""
        return len(self._waiting)

    @contextmanager
    def holding(self, size: int, *, at_worst: int = 0) -> Generator[None]:
        """Hold so many bytes, once they are free. Raises PictureRejected where that can never be.

        at_worst: how many it could be; beyond the budget, such a picture is decoded alone.
        """
        if size > self.max_bytes:
            raise PictureRejected(
                f"decoding the picture can take {size:,} bytes of memory, over the limit of {self.max_bytes:,} bytes:"
                " send it with fewer pixels"
            )
        size = max(size, min(at_worst, self.max_bytes))
        turn = object()
        with self._changed:
            self._waiting.append(turn)
            self._changed.wait_for(lambda: self._waiting[0] is turn and size <= self._free)
            self._waiting.popleft()
            self._free -= size
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += size
                self._changed.notify_all()
