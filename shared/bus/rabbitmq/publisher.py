"""Publishing with confirms, many in flight."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from aio_pika.abc import AbstractChannel, AbstractExchange
from aio_pika.exceptions import PublishError

from shared.bus.rabbitmq.letters import Letter
from shared.bus.rabbitmq.link import Link, as_unavailable
from shared.bus.rabbitmq.topology import EXCHANGE

IN_FLIGHT = 64


class Publisher:
    """One channel with confirms. What it publishes to is declared anew when a queue is missing.

    A message in flight keeps its place until the broker has answered or the connection is lost, however long ago its
    publisher gave up. So a broker that takes nothing more is not sent ever more copies; and the driver, which cannot
    stand an answer to a publish that was cancelled, never gets one.
    """

    def __init__(self, link: Link, declare: Callable[[AbstractChannel], Awaitable[None]], timeout_s: float) -> None:
        self._link = link
        self._declare = declare
        self._timeout_s = timeout_s
        self._places = asyncio.Semaphore(IN_FLIGHT)
        self._in_flight: set[asyncio.Task[object]] = set()
        self._opening = asyncio.Lock()
        self._channel: AbstractChannel | None = None
        self._exchanges: dict[str, AbstractExchange] = {}
        self._is_declared = False

    async def open(self) -> None:
        """Declare everything. Raises Unavailable."""
        with as_unavailable("declare the queues"):
            await self._exchange("")

    async def publish(self, letters: Sequence[Letter]) -> None:
        """Publish all; when this returns, the broker has confirmed each. Raises Unavailable."""
        if not letters:
            return
        with as_unavailable("publish"):
            try:
                await self._confirmed([await self._send(letter) for letter in letters])
            except PublishError:
                self._is_declared = False  # a queue is missing
                raise

    async def _confirmed(self, sent: list[asyncio.Task[object]]) -> None:
        _, unanswered = await asyncio.wait(sent, timeout=self._timeout_s)
        if unanswered:
            raise TimeoutError
        for one in sent:
            one.result()

    async def _send(self, letter: Letter) -> asyncio.Task[object]:
        async with asyncio.timeout(self._timeout_s):
            exchange = await self._exchange(letter.exchange)
            await self._places.acquire()
        publishing = exchange.publish(letter.message, letter.routing_key, mandatory=letter.is_mandatory)
        task: asyncio.Task[object] = asyncio.create_task(publishing)
        self._in_flight.add(task)
        task.add_done_callback(self._answered)
        return task

    def _answered(self, task: asyncio.Task[object]) -> None:
        self._in_flight.discard(task)
        self._places.release()
        if not task.cancelled():
            task.exception()  # seen, even where nobody waits for it any more

    async def _exchange(self, name: str) -> AbstractExchange:
        if not self._is_open():
            async with self._opening:
                if not self._is_open():
                    await self._open()
        return self._exchanges[name]

    def _is_open(self) -> bool:
        return self._is_declared and self._channel is not None and not self._channel.is_closed

    async def _open(self) -> None:
        connection = await self._link.connection()
        async with connection.channel() as channel:
            await self._declare(channel)
        self._is_declared = True
        if self._channel is None or self._channel.is_closed:
            self._channel = channel = await connection.channel(on_return_raises=True)
            events = await channel.get_exchange(EXCHANGE, ensure=False)
            self._exchanges = {"": channel.default_exchange, EXCHANGE: events}
