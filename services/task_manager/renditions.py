"""Renditions that were not stored with their image: made when they are first asked for, and kept."""

import asyncio
import contextlib

from services.task_manager.ingest import Checker
from shared.errors import NotFound, StorageFull, Unavailable
from shared.objects import ObjectStore
from shared.objects.keys import rendition_of
from shared.renditions import Rendition
from shared.shares import Holder, Shares

MAX_AT_ONCE = 4
"""How many images are held in memory to make renditions of."""
MAX_WAITING = 256
"""Renditions that are asked for and not made yet; of these places each caller has a share."""


class Renditions:
    """Makes them in the checker's threads. One that is asked for twice at once is made twice, and is the same."""

    def __init__(self, objects: ObjectStore, checker: Checker) -> None:
        self._objects = objects
        self._checker = checker
        self._free = asyncio.Semaphore(MAX_AT_ONCE)
        self._places = Shares(MAX_WAITING)

    async def get(self, key: str, holder: Holder) -> bytes:
        """A rendition's bytes. Raises NotFound, also where its image was removed; Unavailable where the holder waits
        for as many as one caller may; and what `shared.pictures` raises."""
        found = rendition_of(key)
        if found is None:
            raise NotFound("no such rendition")
        try:
            return await self._objects.get(key)
        except NotFound:
            image_key, rendition = found
        too_many = Unavailable("too many smaller copies of images are being made", retry_after_s=2)
        with self._places.place(holder, too_many):
            made = await self._made(image_key, rendition)
        with contextlib.suppress(StorageFull, Unavailable):  # it is made again next time
            await self._objects.put(key, made)
        return made

    async def _made(self, image_key: str, rendition: Rendition) -> bytes:
        async with self._free:
            return await self._checker.rendition(await self._objects.get(image_key), rendition)
