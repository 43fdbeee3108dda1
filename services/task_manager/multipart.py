"""Multipart bodies, parsed as they come: nothing is held but the part at hand, and archives go to disk."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from services.task_manager.archives import OTHER_ARCHIVE_BYTES, is_archive, refuse_other_archive
from shared.disk import errors_named
from shared.errors import Malformed, QuorateError, TooLarge
from shared.http.form_headers import Disposition
from shared.http.forms import Heard, feed

FEED_BYTES = 16_384
"""So much of a body is parsed at a time, before others get their turn."""
SPOOL = "the disk for archives under way"
SPOOL_WRITE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLimits:
    """How many bytes a picture may have (they are held in memory), and an archive (on disk)."""

    max_picture_bytes: int
    max_archive_bytes: int


class PartTooLarge(TooLarge):
    """A part has more bytes than the limits allow."""


@dataclass(slots=True, kw_only=True)
class Part:
    """One file of a form. Its content is `data`, or for an archive `archive`, or `error` says why there is none."""

    disposition: Disposition = field(default_factory=Disposition)
    data: bytes = b""
    archive: IO[bytes] | None = None
    error: QuorateError | None = None


async def parts(
    chunks: AsyncIterator[bytes], boundary: bytes, *, limits: PartLimits, spool: Path
) -> AsyncGenerator[Part, None]:
    """The files of a form, each when its last byte has come. Raises Malformed for a broken or unfinished body.

    A part whose header cannot be read, or whose content is not taken, has an `error`; the others come as they are.
    """
    heard = Heard()
    parser = heard.parser(boundary)
    part, content = Part(), _Content(limits, spool)
    try:
        async for chunk in chunks:
            for piece in _pieces(chunk):
                feed(parser, piece)
                for one in heard.taken():
                    if isinstance(one, Disposition):
                        part = Part(disposition=one)
                    elif isinstance(one, Malformed):
                        part = Part(error=one)
                    elif one is not None:
                        await content.keep(part, one)
                    else:
                        await content.give(part)
                        yield part
                        part = Part()  # not held here meanwhile
                if len(piece) < len(chunk):
                    await asyncio.sleep(0)
        if not heard.is_ended:
            raise Malformed("the multipart body ends before its final boundary")
    finally:
        content.close()


def _pieces(chunk: bytes) -> Iterator[bytes]:
    if len(chunk) <= FEED_BYTES:
        yield chunk
    else:
        for at in range(0, len(chunk), FEED_BYTES):
            yield chunk[at : at + FEED_BYTES]


class _Content:
    """The content of the part at hand: in memory, or on disk once it is an archive; nothing past the limit."""

    def __init__(self, limits: PartLimits, spool: Path) -> None:
        self._limits = limits
        self._spool = spool
        self._held = bytearray()
        self._file: IO[bytes] | None = None
        self._size = 0

    async def keep(self, part: Part, data: bytes) -> None:
        """Hold more of it, unless the part has an error; sets that where the content is over its limit."""
        if part.error is not None:
            return
        self._size += len(data)
        self._held += data
        if self._file is None and len(self._held) >= 4 and is_archive(bytes(self._held[:4])):  # noqa: PLR2004
            with errors_named(SPOOL):
                self._file = await asyncio.to_thread(tempfile.TemporaryFile, dir=self._spool)
        limits = self._limits
        limit = limits.max_picture_bytes if self._file is None else limits.max_archive_bytes
        if self._size > limit:
            part.error = self._refusal(limit)
            self.close()
        elif self._file is not None and len(self._held) >= SPOOL_WRITE_BYTES:
            await self._flush(self._file)

    async def give(self, part: Part) -> None:
        """Hand the content over to its part, and begin with that of the next."""
        if self._file is not None:
            await self._flush(self._file)
            part.archive, self._file = self._file, None
        else:
            part.data = bytes(self._held)
        self.close()

    def close(self) -> None:
        """Drop what is held."""
        if self._file is not None:
            self._file.close()
        self._file, self._size = None, 0
        self._held.clear()

    def _refusal(self, limit: int) -> QuorateError:
        try:
            refuse_other_archive(bytes(self._held[:OTHER_ARCHIVE_BYTES]))
        except QuorateError as error:
            return error.with_traceback(None)
        return PartTooLarge(f"the file is over the limit of {limit:,} bytes")

    async def _flush(self, file: IO[bytes]) -> None:
        held, self._held = bytes(self._held), bytearray()

        def write() -> None:
            file.write(held)
            file.flush()

        with errors_named(SPOOL):
            await asyncio.to_thread(write)
