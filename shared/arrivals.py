"""What other services tell this one, and is on its way: a read waits for it, so that it sees what was acknowledged
before."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Literal, get_args

from shared.bus import Bus
from shared.errors import Unavailable
from shared.outbox import Relay

UpToDate = Literal["yes", "likely", "no"]
"""Whether a read has seen all that was acknowledged before it."""
HEADER = "X-Quorate-Up-To-Date"
DESCRIBED: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            HEADER: {
                "description": "whether the answer holds all that was acknowledged before: yes, likely or no",
                "schema": {"type": "string", "enum": list(get_args(UpToDate))},
            }
        }
    }
}
"""The header in the API's document, for the routes that send it."""
PATIENCE_S = 2.0
"""How long a read waits at the most."""
PUBLISHED_S = 0.1
"""So long after it was saved an event is in its queue: a relay's pause between two batches and a publish take less."""
HANDLED_S = 0.05
"""So long after it left its queue an event has been handled, by whichever replica."""
LOOK_S = 0.01
"""Between looks whether others have done what they were told."""


def least(told: Collection[UpToDate]) -> UpToDate:
    """What can be said of several reads together."""
    return max(told, key=get_args(UpToDate).index)


async def _nothing_is_awaited() -> bool:
    return True


class Arrivals:
    """What others have saved, and these queues of a service bring.

    `relays` are all that publish into the queues, where they run in this process: then a read knows that it has seen
    everything. Elsewhere it can see the queues, but neither the outboxes before them nor what other replicas are
    handling: it waits for as long as those mostly take. `published_s` is that of the outboxes.
    """

    def __init__(
        self, bus: Bus, queues: Collection[str], relays: Sequence[Relay] | None, *, published_s: float = PUBLISHED_S
    ) -> None:
        self._bus = bus
        self._queues = queues
        self._relays = relays
        self._published_s = published_s

    async def recorded(
        self, *, is_at_rest: bool = False, is_done: Callable[[], Awaitable[bool]] = _nothing_is_awaited
    ) -> UpToDate:
        """Wait until what was saved before this call is recorded here, or for `PATIENCE_S`.

        is_at_rest: nothing more is expected, so that where an outbox cannot be seen it is not waited for.
        is_done: whether others have done what this service told them, which is waited for first.
        """
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + PATIENCE_S
        try:
            async with asyncio.timeout_at(ends_at):
                await self._flush()
                while not await is_done():
                    if loop.time() > ends_at:  # a driver may lose the cancellation, before Python 3.12
                        return "no"
                    await asyncio.sleep(LOOK_S)
                await self._flush()
                if self._relays is not None:
                    await self._bus.settle(self._queues)
                    return "yes"
                await asyncio.sleep(0 if is_at_rest else self._published_s)
                await self._bus.settle(self._queues)
                await asyncio.sleep(0 if is_at_rest else HANDLED_S)
                return "likely"
        except (TimeoutError, Unavailable):
            return "no"

    async def _flush(self) -> None:
        await asyncio.gather(*(relay.flush() for relay in self._relays or ()))
