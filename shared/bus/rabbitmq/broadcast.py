"""Messages to every process that listens now: neither stored nor confirmed, and lost where no process listens."""

import asyncio
import contextlib
from collections.abc import Callable

from aio_pika import ExchangeType, Message
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractIncomingMessage

from shared.bus.rabbitmq.connection import ANSWER_S, END_S, Connection, as_unavailable, keep_open
from shared.ending import ended
from shared.errors import Unavailable

EXCHANGE = "quorate.broadcast"
KEPT_S = 10
"""How long a message waits for a process that is slow to read it."""
MAX_KEPT = 1000


class Broadcast:
    """Sends over one connection and listens over another."""

    def __init__(self, to_send: Connection, to_listen: Connection) -> None:
        self._to_send = to_send
        self._to_listen = to_listen
        self._channel: AbstractChannel | None = None
        self._exchange: AbstractExchange | None = None
        self._listening: set[asyncio.Task[None]] = set()

    async def send(self, body: bytes) -> None:
        """Raises Unavailable."""
        with as_unavailable("broadcast"):
            async with asyncio.timeout(ANSWER_S):
                exchange = await self._open_exchange()
                await exchange.publish(Message(body, expiration=KEPT_S), "", mandatory=False)

    def listen(self, listener: Callable[[bytes], None]) -> None:
        async def hold() -> None:
            await self._hold(listener)

        self._listening.add(asyncio.create_task(keep_open(hold, "listening"), name="listen"))

    async def close(self) -> None:
        await ended(*self._listening)

    async def _open_exchange(self) -> AbstractExchange:
        if self._exchange is None or self._channel is None or self._channel.is_closed:
            connection = await self._to_send.opened()
            self._channel = await connection.channel(publisher_confirms=False)
            self._exchange = await _declared(self._channel)
        return self._exchange

    async def _hold(self, listener: Callable[[bytes], None]) -> None:
        """Listen on one channel, with a queue of its own, until the channel closes."""

        async def receive(message: AbstractIncomingMessage) -> None:
            listener(message.body)

        ended = asyncio.Event()
        connection = await self._to_listen.opened()
        with as_unavailable("listen"):
            async with asyncio.timeout(ANSWER_S):
                channel = await connection.channel(publisher_confirms=False)
                channel.close_callbacks.add(lambda _channel, _error: ended.set())
                underlay = await channel.get_underlay_channel()
                underlay.on_consumer_cancel_callbacks.add(lambda _: ended.set())
                queue = await channel.declare_queue(exclusive=True, arguments={"x-max-length": MAX_KEPT})
                await queue.bind(await _declared(channel))
                await queue.consume(receive, no_ack=True)
        try:
            await ended.wait()
        finally:
            with contextlib.suppress(Unavailable), as_unavailable("stop listening"):
                async with asyncio.timeout(END_S):
                    await channel.close()


async def _declared(channel: AbstractChannel) -> AbstractExchange:
    return await channel.declare_exchange(EXCHANGE, ExchangeType.FANOUT, durable=False, timeout=ANSWER_S)
