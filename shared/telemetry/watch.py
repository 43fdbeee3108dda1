"""How much waits in a service's queues and outboxes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from shared.bus import Bus
from shared.clock import Clock
from shared.errors import Unavailable
from shared.events import Message, parse
from shared.outbox import Outbox
from shared.telemetry.metrics import Metrics

log = logging.getLogger(__name__)
T = TypeVar("T")
Gauge = Callable[[], Awaitable[None]]
"""Measures something and sets its metrics."""

LOOK_S = 2.0
"""How long one question to the bus or an outbox may take."""
MAX_PENDING = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits now: messages by queue, events not yet published and the age of the oldest in seconds, dead letters
    by queue.

    A field is None if the answer did not come in time.
    """

    queues: dict[str, int] | None
    outbox: int | None
    outbox_lag_s: float | None
    dead: dict[str, int] | None


class Watch:
    """Looks at queues and outboxes, and at whatever else `gauges` measure, when it is asked."""

    def __init__(
        self,
        metrics: Metrics,
        bus: Bus,
        outboxes: Sequence[Outbox],
        clock: Clock,
        gauges: Mapping[str, Gauge] | None = None,
    ) -> None:
        self._metrics = metrics
        self._bus = bus
        self._outboxes = outboxes
        self._clock = clock
        self._gauges = gauges or {}
        self._unseen: set[str] = set()
        """What could not be looked at the last time."""

    async def measure(self) -> None:
        """Set every gauge, those of the services too."""
        await asyncio.gather(self.look(), *(self._in_time(what, ask) for what, ask in self._gauges.items()))

    async def look(self) -> Waiting:
        """Ask the bus and the outboxes, and set their gauges."""
        (queues, oldest, dead), pending = await asyncio.gather(self._on_the_bus(), self._in_outboxes())
        now = self._clock()
        known = queues is not None and oldest is not None  # an age that nobody sees is not none
        ages_s = {queue: now - at for queue, at in (oldest or {}).items()}
        self._metrics.depths(queues if known else None, ages_s)
        outbox = lag_s = None
        if pending is not None:
            outbox, lag_s = sum(map(len, pending)), max(map(self._lag_s, pending), default=0.0)
        self._metrics.outbox(outbox, lag_s)
        self._metrics.dead(dead)
        return Waiting(queues=queues, outbox=outbox, outbox_lag_s=lag_s, dead=dead)

    async def _on_the_bus(self) -> tuple[dict[str, int] | None, dict[str, float] | None, dict[str, int] | None]:
        return await asyncio.gather(
            self._in_time("the queues", self._bus.depths),
            self._in_time("what is in the queues", self._bus.oldest),
            self._in_time("dead letters", self._bus.dead_counts),
        )

    async def _in_outboxes(self) -> list[list[Message]] | None:
        """Events not yet published, the oldest first, by outbox; None if an outbox does not answer."""
        asked = (
            self._in_time(f"outbox {number}", partial(outbox.pending, MAX_PENDING))
            for number, outbox in enumerate(self._outboxes)
        )
        pending = [messages for messages in await asyncio.gather(*asked) if messages is not None]
        return pending if len(pending) == len(self._outboxes) else None

    def _lag_s(self, messages: Sequence[Message]) -> float:
        """The age of the first message, in seconds."""
        return max(0.0, self._clock() - parse(messages[0].body).time.timestamp()) if messages else 0.0

    async def _in_time(self, what: str, ask: Callable[[], Awaitable[T]]) -> T | None:
        """The answer, or None; the log is told when answers begin to fail, and when they come again."""
        try:
            async with asyncio.timeout(LOOK_S):
                answer = await ask()
        except (Unavailable, TimeoutError) as error:
            if what not in self._unseen:
                log.warning("%s cannot be looked at: %s", what, _reason(error))
            self._unseen.add(what)
            self._metrics.look_failed(what)
            return None
        if what in self._unseen:
            log.info("%s can be looked at again", what)
            self._unseen.discard(what)
        return answer


def _reason(error: Unavailable | TimeoutError) -> str:
    return error.detail if isinstance(error, Unavailable) else f"no answer in {LOOK_S:.0f} s"
