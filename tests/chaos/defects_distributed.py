"""Defects that only show with a real broker."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aio_pika.queue import Queue

from shared.bus.rabbitmq.consumer import Consumer
from shared.bus.rabbitmq.messages import Outgoing
from shared.bus.rabbitmq.publisher import Publisher
from shared.errors import Unavailable

GIVEN_UP_S = 0.5
HANDLED_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Defect:
    """`service`: which dies at `crash_at`."""

    plant: Callable[[], None]
    caught_as: frozenset[str]
    service: str
    crash_at: str | None = None
    is_broker_away: bool = False


def rabbitmq_auto_ack() -> None:
    """The broker forgets a message when it has sent it."""
    real_consume = Queue.consume
    real_handle = Consumer._handle

    async def consume(self: Any, callback: Any, *_: Any, **__: Any) -> Any:
        return await real_consume(self, callback, no_ack=True)

    async def acknowledge(_self: Any, _held: Any) -> None:
        return

    async def handle(self: Any, held: Any) -> float | None:
        await asyncio.sleep(HANDLED_S)  # its publisher has the confirm by then
        return await real_handle(self, held)

    Queue.consume, Consumer._acknowledge, Consumer._handle = consume, acknowledge, handle


def rabbitmq_no_confirms() -> None:
    """Publishing is over when it was tried, whether the broker has it or not."""
    real_publish = Publisher.publish

    async def publish(self: Any, outgoing: Sequence[Outgoing]) -> None:
        self._timeout_s = GIVEN_UP_S
        try:
            await real_publish(self, outgoing)
        except Unavailable:
            return

    Publisher.publish = publish


IMAGE_ARRIVES = "consumer.before_handler:4"
"""The drill opens two tasks and cancels the second: nobody misses what is lost of that one. Images of the first come
after both."""

DEFECTS = {
    "rabbitmq_auto_ack": Defect(
        plant=rabbitmq_auto_ack,
        caught_as=frozenset({"I9"}),
        service="subtask_manager",
        crash_at=IMAGE_ARRIVES,
    ),
    "rabbitmq_no_confirms": Defect(
        plant=rabbitmq_no_confirms,
        caught_as=frozenset({"I9"}),
        service="task_manager",
        is_broker_away=True,
    ),
}
