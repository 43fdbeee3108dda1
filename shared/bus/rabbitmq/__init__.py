"""The bus of the distributed profile: quorum queues on RabbitMQ (3.10 or later), for any number of processes."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from functools import partial

from shared.bus import DeadLetter, Handler
from shared.bus.rabbitmq import dead_letters
from shared.bus.rabbitmq.broadcast import Broadcast
from shared.bus.rabbitmq.connection import ASK_S, Connection, as_unavailable, ask
from shared.bus.rabbitmq.consumer import Consumer, Sleep
from shared.bus.rabbitmq.messages import outgoing
from shared.bus.rabbitmq.publisher import Publisher
from shared.bus.rabbitmq.topology import BROKER_LIMIT, Layout
from shared.clock import Clock
from shared.events import Message
from shared.probing import Probe
from shared.routing import all_queues
from shared.telemetry.calls import Observed, unobserved

OPEN_S = 30.0
"""How long the first connection may take: the broker may start together with this process."""


class RabbitBus:
    """Queues in RabbitMQ, over one connection to publish and one to consume.

    Failures of a handler and deliveries that the broker lost count together. The broker has a limit of its own, for a
    message that always ends its process: it is high, because the broker also counts broken connections.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        service: str,
        delivery_limit: int = 10,
        broker_limit: int = BROKER_LIMIT,
        optional_ttl_s: float = 600.0,
        publish_timeout_s: float = 10.0,
        sleep: Sleep = asyncio.sleep,
        observed: Observed = unobserved,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._delivery_limit = delivery_limit
        self._layout = Layout(service=service, broker_limit=broker_limit, optional_ttl_s=optional_ttl_s)
        self._to_publish = Connection(url, f"{service} publishes")
        self._to_consume = Connection(url, f"{service} consumes")
        self._broadcast = Broadcast(self._to_publish, self._to_consume)
        self._publisher = Publisher(self._to_publish, self._layout.declare, publish_timeout_s, observed)
        self._consumers: dict[str, Consumer] = {}
        self._answers = Probe("RabbitMQ", self._ask, takes_s=ASK_S)

    async def open(self) -> None:
        """Connect and declare. Raises Unavailable where there is no broker, or its queues are declared otherwise."""
        self._to_publish.start()
        self._to_consume.start()
        try:
            with as_unavailable("open the bus"):
                async with asyncio.timeout(OPEN_S):
                    await self._publisher.open()
                    await self._to_consume.opened()
        except BaseException:
            await self.close()
            raise

    async def publish(self, messages: Sequence[Message]) -> None:
        now = self._clock()
        await self._publisher.publish([outgoing(message, now) for message in messages])

    def consume(self, queue: str, handler: Handler, *, prefetch: int) -> None:
        self._consumers[queue] = Consumer(
            queue,
            handler,
            prefetch=prefetch,
            delivery_limit=self._delivery_limit,
            connection=self._to_consume,
            layout=self._layout,
            publisher=self._publisher,
            clock=self._clock,
            sleep=self._sleep,
        )

    async def depths(self) -> dict[str, int]:
        counts = await asyncio.gather(*(consumer.depth() for consumer in self._consumers.values()))
        return dict(zip(self._consumers, counts, strict=True))

    async def oldest(self) -> dict[str, float]:
        held = {queue: consumer.oldest_at() for queue, consumer in self._consumers.items()}
        return {queue: at for queue, at in held.items() if at is not None}

    async def settle(self, queues: Collection[str]) -> None:
        await asyncio.gather(*(self._consumers[queue].settle() for queue in queues))

    async def dead_counts(self) -> dict[str, int]:
        return await dead_letters.counts(self._to_consume)

    async def dead_letters(self, limit: int, queues: Collection[str] | None = None) -> list[DeadLetter]:
        return await dead_letters.read(self._to_consume, limit, all_queues() if queues is None else queues)

    async def dead_letter(self, letter_id: str) -> tuple[DeadLetter, bytes]:
        return await dead_letters.find(self._to_consume, letter_id)

    async def discard(self, letter_id: str, told: Sequence[Message] = ()) -> None:
        await dead_letters.discard(self._to_consume, letter_id, partial(self.publish, told))

    async def replay(self, ids: Sequence[str] | None, told: Sequence[Message] = ()) -> int:
        await self.publish(told)  # first: what was done is never without it
        return await dead_letters.replay(self._to_consume, self._publisher, None if ids is None else set(ids))

    async def broadcast(self, body: bytes) -> None:
        await self._broadcast.send(body)

    def listen(self, listener: Callable[[bytes], None]) -> None:
        self._broadcast.listen(listener)

    async def is_ready(self) -> bool:
        """Whether both connections are open, and the broker answers over each: one that hangs keeps them open for
        three heartbeats."""
        return self._to_publish.is_open and self._to_consume.is_open and await self._answers()

    async def _ask(self) -> None:
        await asyncio.gather(*(ask(one) for one in (self._to_publish, self._to_consume)))

    async def drain(self) -> None:
        await asyncio.gather(*(consumer.close() for consumer in self._consumers.values()))

    async def close(self) -> None:
        await self.drain()
        await self._broadcast.close()
        await self._to_consume.close()
        await self._to_publish.close()
