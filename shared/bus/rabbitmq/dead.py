"""Dead letters: read by taking them and giving them back, and put back into their queues."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Collection

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from shared.bus import DeadLetter
from shared.bus.rabbitmq import letters
from shared.bus.rabbitmq.link import ANSWER_S, END_S, Link, as_unavailable
from shared.bus.rabbitmq.publisher import Publisher
from shared.bus.rabbitmq.topology import all_queues, dead
from shared.errors import Unavailable


async def read(link: Link, limit: int) -> list[DeadLetter]:
    """The oldest dead letters of all queues."""
    found: list[DeadLetter] = []
    with as_unavailable("read dead letters"):
        async with _reading(link) as channel:
            for queue in all_queues():
                found += [letters.dead_letter(queue, one) async for one in _taken(channel, queue, limit)]
    return sorted(found, key=lambda letter: letter.died_at)[:limit]


async def count(link: Link) -> int:
    """How many there are in all queues."""
    counted = 0
    with as_unavailable("count dead letters"):
        async with _reading(link) as channel:
            for queue in all_queues():
                declared = await channel.declare_queue(dead(queue), passive=True, timeout=ANSWER_S)
                counted += declared.declaration_result.message_count or 0
    return counted


async def revive(link: Link, publisher: Publisher, ids: Collection[str] | None) -> int:
    """Put dead letters back into their queues, each as a new message; returns how many."""
    revived = 0
    with as_unavailable("replay dead letters"):
        async with _reading(link) as channel:
            for queue in all_queues():
                # No more than there are now: one that dies again at once is not taken up again.
                declared = await channel.declare_queue(dead(queue), passive=True, timeout=ANSWER_S)
                async for message in _taken(channel, queue, declared.declaration_result.message_count or 0):
                    if ids is None or letters.dead_letter_id(queue, message) in ids:
                        await publisher.publish([letters.again(message, queue, failures=0)])
                        await message.ack()
                        revived += 1
    return revived


async def _taken(channel: AbstractChannel, queue: str, limit: int) -> AsyncGenerator[AbstractIncomingMessage]:
    source = await channel.get_queue(dead(queue), ensure=False)
    for _ in range(limit):
        message = await source.get(fail=False, timeout=ANSWER_S)
        if message is None:
            return
        yield message


@contextlib.asynccontextmanager
async def _reading(link: Link) -> AsyncGenerator[AbstractChannel]:
    """A channel of its own: what was taken on it and not acknowledged is given back."""
    async with asyncio.timeout(ANSWER_S):
        connection = await link.connection()
        channel = await connection.channel(publisher_confirms=False)
    try:
        yield channel
    finally:
        with contextlib.suppress(Unavailable), as_unavailable("give dead letters back"):
            async with asyncio.timeout(END_S):
                await (await channel.get_underlay_channel()).basic_nack(0, multiple=True)
                await channel.close()
