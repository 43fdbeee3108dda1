"""Bodies of requests that are held in memory: counted before they are held, and bounded all together."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from shared.errors import Unavailable
from shared.shares import Holder, Shares

SMALL_BYTES = 65_536
"""A body up to this size is always taken: the number of connections bounds them, and large ones must not keep votes
out."""


class Bodies:
    """The bodies that the process holds, at most `max_bytes` of them together, of which each caller has a share; one
    alone is always taken."""

    def __init__(self, max_bytes: int) -> None:
        self._shares = Shares(max_bytes)

    @property
    def held_bytes(self) -> int:
        return self._shares.held

    def hold(self, more_bytes: int, *, beside: int, holder: Holder) -> None:
        """Count more of a body, of which `beside` bytes are counted. Raises Unavailable where there is no room."""
        is_alone = self._shares.held == beside
        if not is_alone and beside + more_bytes > SMALL_BYTES and not self._shares.has_room(holder, more_bytes):
            raise Unavailable("too many large requests are under way")
        self._shares.take(holder, more_bytes)

    def give_back(self, held_bytes: int, holder: Holder) -> None:
        self._shares.give_back(holder, held_bytes)

    @asynccontextmanager
    async def reading(self, chunks: AsyncIterator[bytes], holder: Holder) -> AsyncGenerator[bytes]:
        """The body that comes in these chunks, counted until the end. Raises Unavailable where there is no room."""
        pieces: list[bytes] = []
        held_bytes = 0
        try:
            async for chunk in chunks:
                self.hold(len(chunk), beside=held_bytes, holder=holder)
                held_bytes += len(chunk)
                pieces.append(chunk)
            pieces[:] = [b"".join(pieces)]
            yield pieces.pop()  # not held here meanwhile
        finally:
            self.give_back(held_bytes, holder)
