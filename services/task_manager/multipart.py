"""Multipart bodies, parsed as they come: nothing is held but the part at hand, and archives go to disk."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from services.task_manager.archives import is_archive
from shared.disk import errors_named
from shared.errors import Malformed, TooLarge

MAX_HEADERS = 32
MAX_HEADER_BYTES = 16_384
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

    field: str
    filename: str
    data: bytes = b""
    archive: IO[bytes] | None = None
    error: PartTooLarge | None = None


def boundary_of(content_type: str) -> bytes:
    """The boundary that a Content-Type names. Raises Malformed where it names none."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not 1 <= len(boundary) <= 200:  # noqa: PLR2004 - RFC 2046 allows 70
        raise Malformed("the Content-Type names no boundary")
    return boundary.encode("latin-1", "replace")


async def parts(
    chunks: AsyncIterator[bytes], boundary: bytes, *, limits: PartLimits, spool: Path
) -> AsyncGenerator[Part, None]:
    """The files of a form, each when its last byte has come. Raises Malformed for a broken or unfinished body."""
    form = _Form(boundary, limits, spool)
    try:
        async for chunk in chunks:
            form.feed(chunk)
            for content, part in form.taken():
                if content is not None:
                    await form.keep(content)
                if part is not None:
                    yield await form.finish(part)
        form.end()
    finally:
        form.close()


class _Form:
    """The state between two chunks. The parser calls back synchronously; what it says is kept until someone awaits."""

    def __init__(self, boundary: bytes, limits: PartLimits, spool: Path) -> None:
        self._limits = limits
        self._spool = spool
        self._queue: list[tuple[bytes | None, Part | None]] = []
        self._field, self._value, self._headers = bytearray(), bytearray(), dict[str, str]()
        self._part: Part | None = None
        self._held = bytearray()
        self._file: IO[bytes] | None = None
        self._size = 0
        self._is_over = False
        self._is_ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._data,
                "on_part_end": self._end_part,
                "on_end": self._ended,
            },
            max_header_count=MAX_HEADERS,
            max_header_size=MAX_HEADER_BYTES,  # its default refuses a file name of 5 kB
        )

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise Malformed("the multipart body is broken") from error

    def end(self) -> None:
        if not self._is_ended:
            raise Malformed("the multipart body ends before its final boundary")

    def taken(self) -> list[tuple[bytes | None, Part | None]]:
        """What came with the last chunk: content of the part at hand, or the end of a part."""
        queue, self._queue = self._queue, []
        return queue

    async def keep(self, content: bytes) -> None:
        """Hold content in memory, or on disk once it is an archive; nothing past the limit."""
        self._size += len(content)
        self._held += content
        if self._file is None and len(self._held) >= 4 and is_archive(bytes(self._held[:4])):  # noqa: PLR2004
            with errors_named(SPOOL):
                self._file = await asyncio.to_thread(tempfile.TemporaryFile, dir=self._spool)
        limits = self._limits
        limit = limits.max_picture_bytes if self._file is None else limits.max_archive_bytes
        if self._size > limit:
            self._is_over = True
            self._held.clear()
        elif self._file is not None and len(self._held) >= SPOOL_WRITE_BYTES:
            await self._flush(self._file)

    async def finish(self, part: Part) -> Part:
        """The part with its content; the state is clean for the next."""
        if self._file is not None and not self._is_over:
            await self._flush(self._file)
        file, self._file = self._file, None
        if self._is_over:
            if file is not None:
                file.close()
            part.error = PartTooLarge(f"the file is over the limit of {self._limit_of(file):,} bytes")
        elif file is not None:
            part.archive = file
        else:
            part.data = bytes(self._held)
        self._held.clear()
        self._size, self._is_over = 0, False
        return part

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _limit_of(self, file: IO[bytes] | None) -> int:
        return self._limits.max_picture_bytes if file is None else self._limits.max_archive_bytes

    async def _flush(self, file: IO[bytes]) -> None:
        held, self._held = bytes(self._held), bytearray()

        def write() -> None:
            file.write(held)
            file.flush()

        with errors_named(SPOOL):
            await asyncio.to_thread(write)

    def _begin(self) -> None:
        self._headers = {}

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]
        self._refuse_long_headers()

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._refuse_long_headers()

    def _refuse_long_headers(self) -> None:
        if len(self._field) + len(self._value) > MAX_HEADER_BYTES:
            raise Malformed("a header of the multipart body is too long")

    def _header_end(self) -> None:
        self._headers[self._field.decode("latin-1").lower()] = self._value.decode("utf-8", "replace")
        self._field, self._value = bytearray(), bytearray()

    def _headers_finished(self) -> None:
        header = Message()
        header["content-disposition"] = (
            self._headers.get("content-disposition", "").replace("\n", " ").replace("\r", " ")
        )
        try:
            field = header.get_param("name", "", "content-disposition")
            filename = header.get_filename("")
        except ValueError as error:  # a character set that is none, or a number without end
            raise Malformed("a file name of the multipart body cannot be read") from error
        self._part = Part(field=str(field), filename=str(filename))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if not self._is_over:
            self._queue.append((data[start:end], None))

    def _end_part(self) -> None:
        self._queue.append((None, self._part))

    def _ended(self) -> None:
        self._is_ended = True
