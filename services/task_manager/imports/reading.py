"""One part of an import: the next objects of the bucket, read a few at a time and given to an ingest in their order."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from services.task_manager import archives
from services.task_manager.imports.bucket import Bucket, Busy, Refused
from services.task_manager.imports.listing import Listed
from services.task_manager.ingest import Ingest
from shared.ending import ended
from shared.errors import QuorateError, TooLarge

READ_AT_ONCE = 4
FOLDER = "a folder"
ARCHIVE = "archives in a bucket are not opened: store their files one by one, or upload the archive"


@dataclass(frozen=True, slots=True)
class Read:
    """An object with its bytes, or why there are none."""

    listed: Listed
    data: bytes = b""
    refusal: QuorateError | None = None


async def read_all(bucket: Bucket, objects: Sequence[Listed], *, max_bytes: int) -> AsyncIterator[Read]:
    """The objects in their order, of which a few are read ahead."""
    waiting, under_way = deque(objects), deque["asyncio.Task[Read]"]()
    try:
        while waiting or under_way:
            while waiting and len(under_way) < READ_AT_ONCE:
                under_way.append(asyncio.create_task(_read(bucket, waiting.popleft(), max_bytes)))
            yield await under_way[0]
            under_way.popleft()
    finally:
        await ended(*under_way)


async def take(bucket: Bucket, objects: Sequence[Listed], ingest: Ingest, *, max_bytes: int) -> None:
    """Give the objects to an ingest, each refused one with its reason.

    Raises Busy where the storage gave none of those that were asked for: then the trouble is the storage's.
    """
    files = [one for one in objects if not one.key.endswith("/")]
    begins_at = len(bucket.source.prefix.rpartition("/")[0])
    given, busy = 0, list[Busy]()

    def name_of(one: Listed) -> str:
        return one.key[begins_at:].removeprefix("/") or one.key

    for one in objects:
        if one.key.endswith("/"):
            ingest.note(name_of(one), "skipped", FOLDER)
    async for read in read_all(bucket, files, max_bytes=max_bytes):
        name = name_of(read.listed)
        given += read.refusal is None
        if isinstance(read.refusal, Busy):
            busy.append(read.refusal)
        if read.refusal is not None:
            ingest.refuse(name, read.refusal)
        elif archives.is_archive(read.data):
            ingest.note(name, "rejected", ARCHIVE)
        else:
            await ingest.add(name, read.data)
    if busy and not given:
        raise busy[0]


async def _read(bucket: Bucket, listed: Listed, max_bytes: int) -> Read:
    """A refusal is returned: raised, it would end the part."""
    if listed.size_bytes > max_bytes:
        return Read(listed, refusal=TooLarge(f"the file is over the limit of {max_bytes:,} bytes"))
    try:
        return Read(listed, await bucket.read(listed.key, max_bytes=max_bytes))
    except Busy as error:
        return Read(listed, refusal=Busy(error.detail))
    except (Refused, QuorateError) as error:
        return Read(listed, refusal=error)
