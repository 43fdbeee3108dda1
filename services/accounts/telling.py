"""Tells the other services anew who may come: what they were told holds for ten minutes."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator

from services.accounts.announcements import access_told
from services.accounts.store import AccountStore
from shared.bus import Bus
from shared.clock import Clock
from shared.ending import ended
from shared.errors import QuorateError
from shared.events import Message

log = logging.getLogger(__name__)

TOLD_EVERY_S = 180.0
AT_ONCE = 200


class Teller:
    """Tells all keys and people when it starts, and every three minutes."""

    def __init__(self, store: AccountStore, bus: Bus, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="teller")

    async def close(self) -> None:
        await ended(self._task)

    async def tell(self) -> None:
        """Tell everything that holds, once."""
        async for message in self._all():
            await self._bus.publish([message])

    async def _run(self) -> None:
        while True:
            try:
                await self.tell()
            except QuorateError as error:  # what was told before holds until then
                log.warning("who may come could not be told anew: %s", error.detail)
            await asyncio.sleep(TOLD_EVERY_S * random.uniform(0.9, 1.1))  # noqa: S311 - only spreads

    async def _all(self) -> AsyncIterator[Message]:
        """Pages of people and of keys, each as of the time before it was read: what changes later is told by itself."""
        at, after = self._clock(), ""
        while people := await self._store.people_told(after=after, limit=AT_ONCE):
            after = people[-1].id
            yield access_told(f"{after}/anew-{at}", after, at, people=people)
            at = self._clock()
        after = ""
        while keys := await self._store.keys_told(after=after, limit=AT_ONCE):
            after = keys[-1].id
            yield access_told(f"{after}/anew-{at}", after, at, keys=keys)
            at = self._clock()
