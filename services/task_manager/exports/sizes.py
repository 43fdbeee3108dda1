"""How long files are. It is found out to the end though whoever asked has gone: a large task may take longer than a
proxy waits, and whoever asks again finds it done."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from cachetools import LRUCache

from shared.ending import ended
from shared.errors import Unavailable
from shared.shares import Holder, Shares

KEPT = 1_000
MAX_AT_ONCE = 8
"""Files of which the size is being found out; of these places each caller has a share."""
BUSY_S = 10


class Sizes:
    """Those that were asked for, by the tags of their files."""

    def __init__(self) -> None:
        self._known: LRUCache[str, int] = LRUCache(KEPT)
        self._under_way: dict[str, asyncio.Task[int]] = {}
        self._places = Shares(MAX_AT_ONCE)

    async def of(self, tag: str, holder: Holder, find_out: Callable[[], Coroutine[Any, Any, int]]) -> int:
        """The size of a file. Raises what `find_out` raises, and Unavailable where too many are being found out."""
        known = self._known.get(tag)
        if known is not None:
            return known
        return await asyncio.shield(self._under_way.get(tag) or self._begun(tag, holder, find_out))

    async def close(self) -> None:
        """Stop where it stands: what was under way is found out again when it is asked for."""
        await ended(*self._under_way.values())

    def _begun(self, tag: str, holder: Holder, find_out: Callable[[], Coroutine[Any, Any, int]]) -> "asyncio.Task[int]":
        if not self._places.has_room(holder):
            raise Unavailable("too many broken exports are gone on with", retry_after_s=BUSY_S)
        self._places.take(holder)
        task = self._under_way[tag] = asyncio.create_task(find_out(), name="size of an export")

        def end(task: "asyncio.Task[int]") -> None:
            del self._under_way[tag]
            self._places.give_back(holder)
            if not task.cancelled() and task.exception() is None:
                self._known[tag] = task.result()

        task.add_done_callback(end)
        return task
