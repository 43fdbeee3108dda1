"""Parts of an export: from which byte on a broken download goes on. Pure."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from shared.errors import NotSatisfiable

_RANGE = re.compile(r"bytes=([0-9]{1,18})-([0-9]{0,18})", re.ASCII | re.IGNORECASE)

_END = 10**18
"""Behind the end of every file."""


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes of a file from `first` to `last`, both included."""

    first: int
    last: int

    @property
    def size_bytes(self) -> int:
        return self.last + 1 - self.first

    def within(self, size_bytes: int) -> "Span":
        """The part of it that a file of this size has. Raises NotSatisfiable where there is none."""
        if self.first >= size_bytes:
            raise NotSatisfiable(f"the file has {size_bytes} bytes", size_bytes=size_bytes)
        return Span(self.first, min(self.last, size_bytes - 1))


def span_asked(span: str | None, if_range: str | None, tag: str | None) -> Span | None:
    """What the headers `Range` and `If-Range` ask of a file with this ETag (RFC 9110, 13.1.5 and 14.2). None: all of
    it, also where a range is of a kind that is not served: several, or the last bytes."""
    found = _RANGE.fullmatch(span.strip()) if span is not None and tag is not None else None
    if found is None or (if_range is not None and if_range.strip() != tag):
        return None
    asked = Span(int(found[1]), int(found[2] or _END))
    return asked if asked.size_bytes > 0 else None


@dataclass(slots=True)
class Progress:
    """How many bytes of a file were made so far, and from which on they are wanted; None: none are, only their number.

    Pictures whose bytes are not wanted need not be read.
    """

    first: int | None
    made: int = 0

    def spares(self, size_bytes: int) -> bool:
        """Whether the next bytes, so many, are certainly not wanted."""
        return self.first is None or self.made + size_bytes <= self.first

    async def counted(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same pieces; each is counted before the next one is made."""
        async for piece in pieces:
            self.made += len(piece)
            yield piece


async def part_of(pieces: AsyncIterator[bytes], span: Span) -> AsyncIterator[bytes]:
    """The bytes of a span; what comes behind it is not made."""
    at = 0
    async for piece in pieces:
        if wanted := piece[max(0, span.first - at) : max(0, span.last + 1 - at)]:
            yield wanted
        at += len(piece)
        if at > span.last:
            return
