"""Results that are on their way here: a read waits for them, so that it sees what its caller was told before."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Literal

from shared.bus import Bus
from shared.errors import Unavailable
from shared.outbox import Relay

UpToDate = Literal["yes", "likely", "no"]
"""Whether a read has seen all that was acknowledged before it."""
PATIENCE_S = 2.0
"""How long a read waits at the most."""
PUBLISHED_S = 0.1
"""So long after it was saved an event is in its queue: a relay's pause between two batches and a publish take less."""
HANDLED_S = 0.05
"""So long after it left its queue an event has been handled, by whichever replica."""


class Arrivals:
    """What others have saved, and these queues of the task manager bring.

    `relays` are all that publish into the queues, where they run in this process: then a read knows that it has seen
    everything. Elsewhere it can see the queues, but neither the outboxes before them nor what other replicas are
    handling: it waits for as long as those mostly take.
    """

    def __init__(self, bus: Bus, queues: Collection[str], relays: Sequence[Relay] | None) -> None:
        self._bus = bus
        self._queues = queues
        self._relays = relays

    async def recorded(self, *, is_at_rest: bool) -> UpToDate:
        """Wait until what was saved before this call is recorded here, or for `PATIENCE_S`.

        is_at_rest: nothing more is expected, so that where an outbox cannot be seen it is not waited for.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                if self._relays is not None:
                    await asyncio.gather(*(relay.flush() for relay in self._relays))
                    await self._bus.settle(self._queues)
                    return "yes"
                await asyncio.sleep(0 if is_at_rest else PUBLISHED_S)
                await self._bus.settle(self._queues)
                await asyncio.sleep(0 if is_at_rest else HANDLED_S)
                return "likely"
        except (TimeoutError, Unavailable):
            return "no"
