"""Dead letters: read by getting and requeueing them, and replayed into their queues."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Collection

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from shared.bus import DeadLetter
from shared.bus.rabbitmq import messages
from shared.bus.rabbitmq.connection import ANSWER_S, END_S, Connection, as_unavailable
from shared.bus.rabbitmq.publisher import Publisher
from shared.bus.rabbitmq.topology import all_queues, dead_queue
from shared.errors import NotFound, Unavailable


async def read(connection: Connection, limit: int) -> list[DeadLetter]:
    """The oldest dead letters of all queues."""
    found: list[DeadLetter] = []
    with as_unavailable("read dead letters"):
        async with _reading(connection) as channel:
            for queue in all_queues():
                found += [messages.dead_letter(queue, message) async for message in _get(channel, queue, limit)]
    return sorted(found, key=lambda letter: letter.died_at)[:limit]


async def count(connection: Connection) -> int:
    """How many dead letters all queues have."""
    counted = 0
    with as_unavailable("count dead letters"):
        async with _reading(connection) as channel:
            for queue in all_queues():
                counted += await _count(channel, queue)
    return counted


async def find(connection: Connection, letter_id: str, *, is_discarded: bool = False) -> tuple[DeadLetter, bytes]:
    """A dead letter and its body; where it is to be discarded, it is gone after this. Raises NotFound."""
    queue = letter_id.partition(":")[0]
    if queue not in all_queues():
        raise NotFound("no such dead letter")
    with as_unavailable("read a dead letter"):
        async with _reading(connection) as channel:
            async for message in _get(channel, queue, await _count(channel, queue)):
                if messages.dead_letter_id(queue, message) == letter_id:
                    if is_discarded:
                        await message.ack()
                    return messages.dead_letter(queue, message), message.body
    raise NotFound("no such dead letter")


async def replay(connection: Connection, publisher: Publisher, ids: Collection[str] | None) -> int:
    """Put dead letters back into their queues, each as a new message; returns how many."""
    replayed = 0
    with as_unavailable("replay dead letters"):
        async with _reading(connection) as channel:
            for queue in all_queues():
                # No more than there are now: a message that fails again at once is not replayed twice.
                async for message in _get(channel, queue, await _count(channel, queue)):
                    if ids is None or messages.dead_letter_id(queue, message) in ids:
                        await publisher.publish([messages.requeued(message, queue, failures=0)])
                        await message.ack()
                        replayed += 1
    return replayed


async def _count(channel: AbstractChannel, queue: str) -> int:
    declared = await channel.declare_queue(dead_queue(queue), passive=True, timeout=ANSWER_S)
    return declared.declaration_result.message_count or 0


async def _get(channel: AbstractChannel, queue: str, limit: int) -> AsyncGenerator[AbstractIncomingMessage]:
    source = await channel.get_queue(dead_queue(queue), ensure=False)
    for _ in range(limit):
        message = await source.get(fail=False, timeout=ANSWER_S)
        if message is None:
            return
        yield message


@contextlib.asynccontextmanager
async def _reading(connection: Connection) -> AsyncGenerator[AbstractChannel]:
    """A channel of its own: the broker requeues what was read on it and not acknowledged."""
    async with asyncio.timeout(ANSWER_S):
        channel = await (await connection.opened()).channel(publisher_confirms=False)
    try:
        yield channel
    finally:
        with contextlib.suppress(Unavailable), as_unavailable("requeue dead letters"):
            async with asyncio.timeout(END_S):
                await (await channel.get_underlay_channel()).basic_nack(0, multiple=True)
                await channel.close()
