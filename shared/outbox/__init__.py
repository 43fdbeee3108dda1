"""The relay: publishes the events that a store saved together with its state, then clears them.

A wake-up after each write makes it fast, and a regular sweep makes it certain. After a crash between publishing and
clearing, events are published again: delivery is at least once.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

from shared import crash_points
from shared.bus import Bus
from shared.ending import ended
from shared.errors import StorageFull, Unavailable
from shared.events import Message
from shared.telemetry.trouble import Trouble

log = logging.getLogger(__name__)

BATCH = 256
SWEEP_S = 1.0
BEAT_S = 1.0
"""How often a process says that it lives, even while it waits for the bus."""
GATHER_S = 0.05
"""The least time between two batches, so that under load many events share one."""

HAND_OVER_S = 0.5
"""How long an answer waits for its events to be published."""


class Outbox(Protocol):
    """What the relay needs of a store."""

    async def pending(self, limit: int) -> list[Message]:
        """The oldest events that are not cleared yet, at most `limit`."""
        ...

    async def clear(self, ids: Sequence[str]) -> None:
        """Remove events that were published; unknown ids are ignored."""
        ...

    async def beat(self) -> None:
        """Say that this process lives, and publishes the events that it saved: others leave them to it."""
        ...


class Relay:
    """Carries one store's outbox to the bus until it is closed."""

    def __init__(self, outbox: Outbox, bus: Bus) -> None:
        self._outbox = outbox
        self._bus = bus
        self._woken = asyncio.Event()
        self._hurried = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []
        self._is_closing = False
        self._task: asyncio.Task[None] | None = None
        self._beating: asyncio.Task[None] | None = None
        self._trouble = Trouble(log, "events cannot be published, and wait")

    @property
    def outbox(self) -> Outbox:
        return self._outbox

    def start(self) -> None:
        """Start; events that an earlier process left are published first."""
        self._woken.set()
        self._beating = asyncio.create_task(self._beat(), name="relay's heartbeat")
        self._task = asyncio.create_task(self._run(), name="relay")

    def wake(self) -> None:
        """An event was just saved."""
        self._woken.set()

    async def flush(self) -> None:
        """Return once all that was saved before this call is published, without the pause between batches."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        self._hurried.set()
        self._woken.set()
        await done

    async def hand_over(self) -> None:
        """Flush, for `HAND_OVER_S` at the most: what is saved is safe, and no answer waits for a bus that is away."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.flush(), HAND_OVER_S)

    async def close(self) -> None:
        """Publish the remaining events, if the bus takes them, and stop."""
        self._is_closing = True
        self._hurried.set()
        self._woken.set()
        if self._task is not None:
            await self._task
        await ended(self._beating)

    async def _beat(self) -> None:
        while True:
            with contextlib.suppress(Unavailable, StorageFull):  # others may publish its events, too, and no more
                await self._outbox.beat()
            await asyncio.sleep(BEAT_S)

    async def _run(self) -> None:
        is_last = False
        while not is_last:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), SWEEP_S)
            self._woken.clear()
            self._hurried.clear()
            is_last = self._is_closing
            waiting, self._waiting = self._waiting, []
            is_done = False
            with self._trouble:  # what fails is still in the outbox; the sweep tries again
                await self._drain()
                is_done = True
            if is_done:
                _release(waiting)
            else:
                self._waiting += waiting
            if not is_last:
                await self._gather()

    async def _gather(self) -> None:
        """Let events come together, unless somebody waits for theirs."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurried.wait(), GATHER_S)

    async def _drain(self) -> None:
        is_more = True
        while is_more and (messages := await self._outbox.pending(BATCH)):
            is_more = len(messages) == BATCH
            crash_points.reached("relay.before_publish")
            await self._bus.publish(messages)
            crash_points.reached("relay.after_publish")
            await self._outbox.clear([m.id for m in messages])
            crash_points.reached("relay.after_clear")


def _release(waiting: Iterable[asyncio.Future[None]]) -> None:
    for one in waiting:
        if not one.done():  # its caller may have given up
            one.set_result(None)
