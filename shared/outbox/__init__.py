"""The relay: publishes the events that a store saved together with its state, then clears them.

A wake-up after each write makes it fast, and a regular sweep makes it certain. After a crash between publishing and
clearing, events are published again: delivery is at least once.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Protocol

from shared import crash_points
from shared.bus import Bus
from shared.events import Message

log = logging.getLogger(__name__)

BATCH = 256
SWEEP_S = 1.0
GATHER_S = 0.05
"""The least time between two batches, so that under load many events share one."""


class Outbox(Protocol):
    """What the relay needs of a store."""

    async def pending(self, limit: int) -> list[Message]:
        """The oldest events that are not cleared yet, at most `limit`."""
        ...

    async def clear(self, ids: Sequence[str]) -> None:
        """Remove events that were published; unknown ids are ignored."""
        ...


class Relay:
    """Carries one store's outbox to the bus until it is closed."""

    def __init__(self, outbox: Outbox, bus: Bus) -> None:
        self._outbox = outbox
        self._bus = bus
        self._woken = asyncio.Event()
        self._is_closing = False
        self._task: asyncio.Task[None] | None = None

    @property
    def outbox(self) -> Outbox:
        return self._outbox

    def start(self) -> None:
        """Start; events that an earlier process left are published first."""
        self._woken.set()
        self._task = asyncio.create_task(self._run(), name="relay")

    def wake(self) -> None:
        """An event was just saved."""
        self._woken.set()

    async def close(self) -> None:
        """Publish the remaining events, if the bus takes them, and stop."""
        self._is_closing = True
        self._woken.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        is_last = False
        while not is_last:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), SWEEP_S)
            self._woken.clear()
            is_last = self._is_closing
            try:
                await self._drain()
            except Exception:  # the events are still in the outbox; the sweep tries again
                log.exception("the relay could not publish; trying again")
            if not is_last:
                await asyncio.sleep(GATHER_S)

    async def _drain(self) -> None:
        is_more = True
        while is_more and (messages := await self._outbox.pending(BATCH)):
            is_more = len(messages) == BATCH
            crash_points.reached("relay.before_publish")
            await self._bus.publish(messages)
            crash_points.reached("relay.after_publish")
            await self._outbox.clear([m.id for m in messages])
            crash_points.reached("relay.after_clear")
