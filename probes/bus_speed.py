"""`python -P -m probes.bus_speed`: the bus beside plain aio-pika, on the broker of QUORATE_AMQP_URL.

Publishes so many events of one type, with as many in flight, plainly to one quorum queue and by the bus to the queue of
that type, in turns, and consumes the bus's. Prints one line of JSON: plain_per_s, publish_per_s, publish_over_plain
and consume_per_s.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from statistics import median
from typing import Any

import aio_pika

from shared.bus.rabbitmq import RabbitBus
from shared.bus.rabbitmq.publisher import IN_FLIGHT
from shared.events import Message, TaskCancelledV1, TaskEnded, envelope, message

QUEUE = "subtask_manager.task.cancelled.v1"
PREFETCH = 64
BATCH = 256
"""As many as the relay publishes at once."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="probes.bus_speed", description=__doc__)
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(measure(os.environ["QUORATE_AMQP_URL"], options.messages, options.rounds))))
    return 0


async def measure(url: str, count: int, rounds: int) -> dict[str, float]:
    """The medians of some rounds, in messages per second."""
    messages = [_event(number) for number in range(count)]
    plain: list[float] = []
    published: list[float] = []
    bus = RabbitBus(url, time.time, service="bus_speed")
    await bus.open()
    try:
        for _ in range(rounds):
            plain.append(await _plain(url, messages))
            published.append(await _publish(bus, messages))
        consumed = await _consume(bus, rounds * count)
    finally:
        await bus.close()
    return {
        "plain_per_s": median(plain),
        "publish_per_s": median(published),
        "publish_over_plain": median(ours / theirs for ours, theirs in zip(published, plain, strict=True)),
        "consume_per_s": consumed,
    }


def _event(number: int) -> Message:
    attributes = envelope(event_id=f"event {number}", source="bus_speed", subject="a task", at=time.time())
    return message(TaskCancelledV1(**attributes, data=TaskEnded(task_id=f"{number:032x}", owner="owner", at=0.0)))


async def _plain(url: str, messages: list[Message]) -> float:
    """What aio-pika does where nothing is added to it."""
    waiting = iter(messages)
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(on_return_raises=True)
        queue = await channel.declare_queue("plain", durable=True, arguments={"x-queue-type": "quorum"})

        async def work() -> None:
            for one in waiting:
                amqp = aio_pika.Message(one.body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, message_id=one.id)
                await channel.default_exchange.publish(amqp, queue.name)

        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
        took_s = time.perf_counter() - began
        await channel.queue_delete(queue.name)
    return len(messages) / took_s


async def _publish(bus: RabbitBus, messages: list[Message]) -> float:
    began = time.perf_counter()
    for first in range(0, len(messages), BATCH):
        await bus.publish(messages[first : first + BATCH])
    return len(messages) / (time.perf_counter() - began)


async def _consume(bus: RabbitBus, count: int) -> float:
    left = count
    is_empty = asyncio.Event()

    async def handle(_event: Any) -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            is_empty.set()

    began = time.perf_counter()
    bus.consume(QUEUE, handle, prefetch=PREFETCH)
    await is_empty.wait()
    return count / (time.perf_counter() - began)


if __name__ == "__main__":
    sys.exit(main())
