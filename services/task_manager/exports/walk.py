"""A walk over the images of an export: page by page, in constant memory."""

import asyncio
import zlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TypeVar

from services.task_manager.domain import Image, Task, refuse_erased
from services.task_manager.exports.archive import CHUNK_BYTES, Archive
from services.task_manager.exports.names import picture_name
from services.task_manager.exports.ranges import Progress
from services.task_manager.exports.wanted import Wanted
from services.task_manager.order import key_of
from services.task_manager.store import TaskStore
from shared.ending import ended
from shared.objects import ObjectStore

T = TypeVar("T")

PAGE = 2_000
AT_A_TIME = 4
"""Pages that the exports of one process hold at a time."""
AHEAD = 8
AHEAD_BYTES = 16_000_000
"""So many pictures, and no more than about so many bytes of them, are read ahead of the one that is written."""
HEADER_BYTES = 1_000
"""More than an archive has between the end of one picture and the beginning of the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A stored picture, read; or as many zeros, where nobody wants its bytes."""

    image: Image
    data: bytes
    crc: int

    @property
    def name(self) -> str:
        return picture_name(self.image.id, self.image.object_key)


@dataclass(frozen=True, slots=True)
class Turns:
    """What the exports of one process share: pages are held and written few at a time."""

    pages: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_A_TIME))
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Several threads that compute leave the event loop little of the interpreter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """What a format works with. `spool`: a folder for what has to be known whole before it can be sent. `progress`:
    which bytes of the file are wanted."""

    task: Task
    wanted: Wanted
    store: TaskStore
    objects: ObjectStore
    spool: Path
    turns: Turns
    progress: Progress

    async def written(self, write: Callable[[Sequence[Image]], T]) -> AsyncIterator[T]:
        """What `write` makes of each page of the wanted images, in their order; it runs in a thread. Raises Erased
        where the task was cancelled meanwhile: no half of a file ends like one."""
        after: str | None = ""
        while after is not None:
            pieces, after = await self._written_page(after, write)
            for piece in pieces:
                yield piece
        refuse_erased(await self.store.task(self.task.id))

    async def pictures(self) -> AsyncIterator[Picture]:
        """The wanted images with their bytes, in their order; those are read from the first one on that is wanted.
        Raises NotFound where one is gone, and Erased."""
        waiting: deque[tuple[int, asyncio.Task[Picture]]] = deque()
        ahead_bytes = 0
        try:
            async for images in self.written(list):
                for image in images:
                    if not waiting and self._is_spared(image):
                        yield Picture(image=image, data=bytes(image.size_bytes), crc=image.crc32 or 0)
                        continue
                    waiting.append((image.size_bytes, asyncio.create_task(self._picture(image))))
                    ahead_bytes += image.size_bytes
                    while len(waiting) > AHEAD or (ahead_bytes > AHEAD_BYTES and len(waiting) > 1):
                        ahead_bytes -= waiting[0][0]
                        yield await waiting.popleft()[1]
            while waiting:
                yield await waiting.popleft()[1]
        finally:
            await ended(*(reading for _, reading in waiting))

    async def _written_page(self, after: str, write: Callable[[Sequence[Image]], T]) -> tuple[list[T], str | None]:
        """What is made of the wanted images among those behind a key, nothing where there are none; and the key of the
        last image, none where there are no more."""
        by = self.wanted.order
        async with self.turns.pages:
            images = await self.store.images(self.task.id, state=None, label=None, after=after, limit=PAGE, by=by)
            last = key_of(images[-1], by) if images else None
            wanted = [image for image in images if self.wanted.takes(image)]
            if not wanted:
                return [], last
            async with self.turns.writing:
                return [await asyncio.to_thread(write, wanted)], last

    def _is_spared(self, image: Image) -> bool:
        """Whether an image's bytes need not be read, for they are not wanted, and their checksum is known or not wanted
        either."""
        is_known = image.crc32 is not None or self.progress.first is None
        return is_known and self.progress.spares(HEADER_BYTES + image.size_bytes)

    async def _picture(self, image: Image) -> Picture:
        data = await self.objects.get(image.object_key, is_kept=False)
        return Picture(image=image, data=data, crc=await asyncio.to_thread(zlib.crc32, data))


class Spooled:
    """Bytes kept on the disk until all of them are there, for the entry of an archive that says its size first."""

    def __init__(self, files: ExitStack, spool: Path) -> None:
        self._file: IO[bytes] = files.enter_context(TemporaryFile(dir=spool))  # noqa: SIM115 - closed with `files`
        self._crc = 0

    def write(self, data: bytes) -> None:
        self._crc = zlib.crc32(data, self._crc)
        self._file.write(data)

    def write_all(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self.write(piece)

    def entry(self, archive: Archive, name: str) -> Iterator[bytes]:
        """All that was written, as a file of the archive."""
        yield archive.begin(name, self._file.tell(), self._crc)
        yield from self.content()

    def content(self) -> Iterator[bytes]:
        """All that was written."""
        self._file.seek(0)
        while chunk := self._file.read(CHUNK_BYTES):
            yield chunk


async def in_chunks(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces that are worth sending; the first one at once."""
    held: list[bytes] = []
    size_bytes = 0
    is_first = True
    async for piece in pieces:
        held.append(piece)
        size_bytes += len(piece)
        if size_bytes >= CHUNK_BYTES or (is_first and size_bytes):
            yield b"".join(held)
            held, size_bytes, is_first = [], 0, False
    if held:
        yield b"".join(held)
