"""Renditions that were not stored with their image: made when they are first asked for, and kept."""

import asyncio
import contextlib

from services.task_manager.ingest import Checker
from shared.errors import NotFound, StorageFull, Unavailable
from shared.objects import ObjectStore
from shared.objects.keys import rendition_of

MAX_AT_ONCE = 4
"""How many images are held in memory to make renditions of."""


class Renditions:
    """Makes them in the checker's threads. One that is asked for twice at once is made twice, and is the same."""

    def __init__(self, objects: ObjectStore, checker: Checker) -> None:
        self._objects = objects
        self._checker = checker
        self._free = asyncio.Semaphore(MAX_AT_ONCE)

    async def get(self, key: str) -> bytes:
        """A rendition's bytes. Raises NotFound, also where its image was removed, and what `shared.pictures` raises."""
        found = rendition_of(key)
        if found is None:
            raise NotFound("no such rendition")
        try:
            return await self._objects.get(key)
        except NotFound:
            image_key, rendition = found
        async with self._free:
            made = await self._checker.rendition(await self._objects.get(image_key), rendition)
        with contextlib.suppress(StorageFull, Unavailable):  # it is made again next time
            await self._objects.put(key, made)
        return made
