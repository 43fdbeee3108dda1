"""What is declared at the broker: one exchange, a queue for each service and type, and a queue of its dead letters."""

from dataclasses import dataclass

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractQueue
from pamqp.common import Arguments

from shared.bus.rabbitmq.connection import ANSWER_S
from shared.routing import all_queues

EXCHANGE = "quorate.events"
BROKER_LIMIT = 20
"""After so many deliveries that were lost the broker gives a message up. No setting: a queue keeps what it was declared
with, and the next start with another limit would fail."""
NEVER = 2**31 - 1
"""A delivery limit that is not reached: reading dead letters counts as delivering them, and 3.x does not know -1."""


def dead_queue(queue: str) -> str:
    """The name of the queue that holds a queue's dead letters."""
    return f"{queue}.dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How queues are declared. `broker_limit`: after so many lost deliveries the broker gives a message up."""

    service: str
    broker_limit: int
    optional_ttl_s: float

    async def declare(self, channel: AbstractChannel) -> None:
        """Declare every queue that a publisher needs, and the queues of this service.

        Every service declares the required queues, so that no event is lost before their consumer's first start. Only
        its own consumer declares an optional queue: without that consumer, nothing should be written to it.
        """
        await channel.declare_exchange(EXCHANGE, ExchangeType.TOPIC, durable=True, timeout=ANSWER_S)
        for queue, is_optional in all_queues().items():
            if not is_optional or queue.startswith(f"{self.service}."):
                await self.declare_queue(channel, queue)
            else:
                await self._declare_dead(channel, queue)

    async def declare_queue(self, channel: AbstractChannel, queue: str) -> AbstractQueue:
        """One queue, with its dead letters and its binding."""
        await self._declare_dead(channel, queue)
        declared = await channel.declare_queue(queue, durable=True, arguments=self._arguments(queue), timeout=ANSWER_S)
        await declared.bind(EXCHANGE, routing_key=queue.partition(".")[2], timeout=ANSWER_S)
        return declared

    async def _declare_dead(self, channel: AbstractChannel, queue: str) -> None:
        arguments: Arguments = {"x-queue-type": "quorum", "x-delivery-limit": NEVER}
        await channel.declare_queue(dead_queue(queue), durable=True, arguments=arguments, timeout=ANSWER_S)

    def _arguments(self, queue: str) -> Arguments:
        if all_queues().get(queue):
            # No dead-letter exchange: expired messages would go there too, and fill the disk for ever. The consumer
            # dead-letters a message one delivery before the broker would give it up.
            ttl_ms = int(self.optional_ttl_s * 1000)
            return {"x-queue-type": "quorum", "x-delivery-limit": self.broker_limit, "x-message-ttl": ttl_ms}
        return {
            "x-queue-type": "quorum",
            "x-delivery-limit": self.broker_limit,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": dead_queue(queue),
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",  # at-least-once needs it; the queue has no maximum to overflow
        }
