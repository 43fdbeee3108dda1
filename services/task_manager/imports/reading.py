"""One part of an import: the next objects of the bucket, read a few at a time and given to an ingest in their order."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from services.task_manager import archives
from services.task_manager.imports.bucket import Bucket, Busy, Denied
from services.task_manager.imports.listing import Listed
from services.task_manager.ingest import Ingest
from shared.ending import ended
from shared.errors import QuorateError, TooLarge

READ_AT_ONCE = 4
FOLDER = "a folder"
ARCHIVE = "archives in a bucket are not opened: store their files one by one, or upload the archive"


@dataclass(frozen=True, slots=True)
class Read:
    """An object with its bytes, or why there are none. Of a folder none are asked for."""

    listed: Listed
    data: bytes = b""
    refusal: QuorateError | None = None


async def read_all(bucket: Bucket, objects: Sequence[Listed], *, max_bytes: int) -> AsyncGenerator[Read]:
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


async def take(bucket: Bucket, objects: Sequence[Listed], ingest: Ingest, *, max_bytes: int, is_last_try: bool) -> None:
    """Give the first objects to an ingest, each refused one with its reason: it has one report on each, in their order.

    It ends before an object that the storage does not give now, so that no passing fault costs a picture; and where the
    team's quota is used up. Raises Busy where that object is the first. At the last try such objects are refused, if
    the storage gives one behind them; if it gives none, the trouble is the storage's.
    """
    begins_at = len(bucket.source.prefix.rpartition("/")[0])
    settled, busy = 0, None
    async with aclosing(read_all(bucket, objects, max_bytes=max_bytes)) as reads:
        async for read in reads:
            if isinstance(read.refusal, Busy):
                busy = busy or read.refusal
                if settled or not is_last_try:
                    break
            else:
                settled += 1
            await _give(ingest, read.listed.key[begins_at:].removeprefix("/") or read.listed.key, read)
            if any(report.quota for report in ingest.settled):
                break
    if busy and not settled:
        raise busy


async def _give(ingest: Ingest, name: str, read: Read) -> None:
    if _is_folder(read.listed):
        ingest.note(name, "skipped", FOLDER)
    elif read.refusal is not None:
        ingest.refuse(name, read.refusal)
    elif archives.is_archive(read.data):
        ingest.note(name, "rejected", ARCHIVE)
    else:
        await ingest.add(name, read.data)


async def _read(bucket: Bucket, listed: Listed, max_bytes: int) -> Read:
    """A refusal is returned: raised, it would end the part."""
    if _is_folder(listed):
        return Read(listed)
    if listed.size_bytes > max_bytes:
        return Read(listed, refusal=TooLarge(f"the file is over the limit of {max_bytes:,} bytes"))
    try:
        return Read(listed, await bucket.read(listed.key, max_bytes=max_bytes))
    except Denied as error:
        return Read(listed, refusal=await _denial(bucket, listed, error))
    except QuorateError as error:
        return Read(listed, refusal=error)


async def _denial(bucket: Bucket, listed: Listed, denied: Denied) -> QuorateError:
    """It is the object's own if the key still opens the bucket. If it does not, nothing is known of the object."""
    try:
        await bucket.listing(after=listed.key, limit=1)
    except QuorateError as error:
        return Busy(error.detail)
    return denied


def _is_folder(listed: Listed) -> bool:
    return listed.key.endswith("/")
