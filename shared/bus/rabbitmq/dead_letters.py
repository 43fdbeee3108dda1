"""Dead letters: read by getting and requeueing them, and replayed into their queues."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from shared.bus import DeadLetter
from shared.bus.rabbitmq import messages
from shared.bus.rabbitmq.connection import ANSWER_S, END_S, Connection, as_unavailable
from shared.bus.rabbitmq.publisher import Publisher
from shared.bus.rabbitmq.topology import dead_queue
from shared.errors import NotFound, Unavailable
from shared.routing import all_queues

BACK_S = 1.0
"""How long what was read may take to be in its queue again."""
LOOK_S = 0.01


async def read(connection: Connection, limit: int, queues: Collection[str]) -> list[DeadLetter]:
    """The oldest dead letters of these queues."""
    found: list[DeadLetter] = []
    with as_unavailable("read dead letters"):
        async with _reading(connection) as reading:
            for queue in queues:
                found += [messages.dead_letter(queue, message) async for message in reading.get(queue, limit)]
    return sorted(found, key=lambda letter: letter.died_at)[:limit]


async def counts(connection: Connection) -> dict[str, int]:
    """How many dead letters each queue has."""
    counted: dict[str, int] = {}
    with as_unavailable("count dead letters"):
        async with _reading(connection) as reading:
            for queue in all_queues():
                counted[queue] = await reading.count(queue)
    return counted


async def find(connection: Connection, letter_id: str) -> tuple[DeadLetter, bytes]:
    """A dead letter and its body. Raises NotFound."""
    async with _found(connection, letter_id) as (_, queue, message):
        return messages.dead_letter(queue, message), message.body


async def discard(connection: Connection, letter_id: str, tell: Callable[[], Awaitable[None]]) -> None:
    """Remove a dead letter, of which is told first: what was done is never without that. Raises NotFound."""
    async with _found(connection, letter_id) as (reading, queue, message):
        await tell()
        await reading.remove(queue, message)


async def replay(connection: Connection, publisher: Publisher, ids: Collection[str] | None) -> int:
    """Put dead letters back into their queues, each as a new message; returns how many."""
    replayed = 0
    with as_unavailable("replay dead letters"):
        async with _reading(connection) as reading:
            for queue in all_queues():
                async for message in reading.all_of(queue):
                    if ids is None or messages.dead_letter_id(queue, message) in ids:
                        await publisher.publish([messages.requeued(message, queue, failures=0)])
                        await reading.remove(queue, message)
                        replayed += 1
    return replayed


class _Reading:
    """Gets messages of dead queues on a channel of its own, to which the broker holds them until `end`."""

    def __init__(self, channel: AbstractChannel) -> None:
        self._channel = channel
        self._held: Counter[str] = Counter()

    async def count(self, queue: str) -> int:
        declared = await self._channel.declare_queue(dead_queue(queue), passive=True, timeout=ANSWER_S)
        return declared.declaration_result.message_count or 0

    async def all_of(self, queue: str) -> AsyncGenerator[AbstractIncomingMessage]:
        """No more than there are now: what is put back meanwhile is not seen twice."""
        async for message in self.get(queue, await self.count(queue)):
            yield message

    async def get(self, queue: str, limit: int) -> AsyncGenerator[AbstractIncomingMessage]:
        source = await self._channel.get_queue(dead_queue(queue), ensure=False)
        for _ in range(limit):
            message = await source.get(fail=False, timeout=ANSWER_S)
            if message is None:
                return
            self._held[queue] += 1
            yield message

    async def remove(self, queue: str, message: AbstractIncomingMessage) -> None:
        await message.ack()
        self._held[queue] -= 1

    async def end(self) -> None:
        """Put the rest back, and wait until it is there: who looks next would miss what is still on its way."""
        async with asyncio.timeout(END_S):
            await (await self._channel.get_underlay_channel()).basic_nack(0, multiple=True)
            with contextlib.suppress(TimeoutError):  # another reader may hold it
                async with asyncio.timeout(BACK_S):
                    for queue, count in (+self._held).items():
                        while await self.count(queue) < count:  # noqa: ASYNC110 - the broker tells nobody
                            await asyncio.sleep(LOOK_S)
            await self._channel.close()


@contextlib.asynccontextmanager
async def _reading(connection: Connection) -> AsyncGenerator[_Reading]:
    async with asyncio.timeout(ANSWER_S):
        channel = await (await connection.opened()).channel(publisher_confirms=False)
    reading = _Reading(channel)
    try:
        yield reading
    finally:
        with contextlib.suppress(Unavailable), as_unavailable("requeue dead letters"):
            await reading.end()


@contextlib.asynccontextmanager
async def _found(
    connection: Connection, letter_id: str
) -> AsyncGenerator[tuple[_Reading, str, AbstractIncomingMessage]]:
    """A dead letter while it is held. Raises NotFound."""
    queue = letter_id.partition(":")[0]
    if queue not in all_queues():
        raise NotFound("no such dead letter")
    with as_unavailable("read a dead letter"):
        async with _reading(connection) as reading:
            async for message in reading.all_of(queue):
                if messages.dead_letter_id(queue, message) == letter_id:
                    yield reading, queue, message
                    return
    raise NotFound("no such dead letter")
