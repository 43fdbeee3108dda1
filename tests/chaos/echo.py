"""Hears all events at the broker, and says them again, late and out of order, when it is told to."""

import asyncio
import contextlib
import logging
import random
import threading
from collections import deque

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import AMQPError

from shared.bus.rabbitmq.connection import connected
from shared.errors import Unavailable

EXCHANGE = "quorate.events"
QUEUE = "chaos.echo"
MARK = "x-chaos-echo"
REMEMBERED = 500
PAUSE_S = 0.3
ANSWER_S = 10.0
TROUBLE = (Unavailable, AMQPError, OSError, RuntimeError, TimeoutError, asyncio.CancelledError)


class Echo:
    """In a thread of its own; the exchange is there already."""

    def __init__(self, url: str, seed: int) -> None:
        self._url = url
        self._chance = random.Random(seed)
        self._heard: deque[AbstractIncomingMessage] = deque(maxlen=REMEMBERED)
        self._loop = asyncio.new_event_loop()
        self._is_ended = False
        self._thread = threading.Thread(target=self._run, name="echo", daemon=True)
        self.repeated = 0

    def start(self) -> None:
        for name in ("aio_pika", "aiormq"):  # that the broker goes away is no news
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._thread.start()

    def stop(self) -> None:
        self._is_ended = True
        self._thread.join(2 * ANSWER_S)

    def repeat(self) -> bool:
        """Say everything heard of late once more; whether the broker took it."""
        said = asyncio.run_coroutine_threadsafe(self._repeat(), self._loop)
        try:
            said.result(ANSWER_S)
        except TROUBLE:
            return False
        return True

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._loop.close()

    async def _listen(self) -> None:
        while not self._is_ended:
            with contextlib.suppress(*TROUBLE):
                async with connected(self._url, "echo") as connection:
                    await self._hear(connection)
            await asyncio.sleep(PAUSE_S)

    async def _hear(self, connection: aio_pika.abc.AbstractConnection) -> None:
        channel = await connection.channel()
        queue = await channel.declare_queue(QUEUE, auto_delete=True)
        await queue.bind(EXCHANGE, "#")
        await queue.consume(self._take, no_ack=True)
        while not (self._is_ended or connection.is_closed or channel.is_closed):  # noqa: ASYNC110 - three of them
            await asyncio.sleep(PAUSE_S)

    async def _take(self, message: AbstractIncomingMessage) -> None:
        if MARK not in message.headers:
            self._heard.append(message)

    async def _repeat(self) -> None:
        again = self._chance.sample(list(self._heard), len(self._heard))
        async with connected(self._url, "echo") as connection:
            channel = await connection.channel()
            exchange = await channel.get_exchange(EXCHANGE)
            for heard in again:
                copy = aio_pika.Message(
                    heard.body,
                    headers={**heard.headers, MARK: True},
                    content_type=heard.content_type,
                    delivery_mode=heard.delivery_mode,
                    message_id=heard.message_id,
                    type=heard.type,
                    timestamp=heard.timestamp,
                )
                await exchange.publish(copy, heard.routing_key or "")
                self.repeated += 1
