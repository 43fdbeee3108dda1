"""The relay: publishes what a store saved together with its state, then clears it.

A wake-up right after the write makes it fast, a sweep makes it certain. A crash between publishing and clearing
publishes again: delivery is at least once.
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
"""Batches follow each other at this pace at the fastest: under load many events share one, and an early one still goes
at once."""


class Outbox(Protocol):
    """The side of a store that the relay sees."""

    async def pending(self, limit: int) -> list[Message]:
        """The oldest events that were saved and not yet cleared, `limit` of them at the most."""
        ...

    async def clear(self, ids: Sequence[str]) -> None:
        """Forget events that were published; ids that are gone already are passed over."""
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
        """Begin; what an earlier process left is published first."""
        self._woken.set()
        self._task = asyncio.create_task(self._run(), name="relay")

    def wake(self) -> None:
        """Something was just saved."""
        self._woken.set()

    async def close(self) -> None:
        """Publish what is left, if the bus takes it, and stop."""
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
            except Exception:  # the outbox keeps everything; the sweep comes again
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
