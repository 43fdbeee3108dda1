"""Publishing with confirms, many messages in flight."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from aio_pika.abc import AbstractChannel, AbstractExchange
from aio_pika.exceptions import PublishError

from shared.bus.rabbitmq.connection import Connection, as_unavailable
from shared.bus.rabbitmq.messages import Outgoing
from shared.bus.rabbitmq.topology import EXCHANGE
from shared.telemetry.calls import Observed

IN_FLIGHT = 64


class Publisher:
    """One channel with confirms. When a queue is missing, all queues are declared again.

    A message keeps its place in flight until the broker answers or the connection is lost, even if its caller gave up
    before. So a broker that does not answer is not sent more and more copies, and the driver, which fails on an answer
    to a cancelled publish, never gets one.
    """

    def __init__(
        self,
        connection: Connection,
        declare: Callable[[AbstractChannel], Awaitable[None]],
        timeout_s: float,
        observed: Observed,
    ) -> None:
        self._connection = connection
        self._declare = declare
        self._timeout_s = timeout_s
        self._observed = observed
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

    async def publish(self, outgoing: Sequence[Outgoing]) -> None:
        """Publish all; when this returns, the broker has confirmed each. Raises Unavailable."""
        if not outgoing:
            return
        began, is_failed = time.monotonic(), True
        try:
            await self._publish(outgoing)
            is_failed = False
        finally:
            self._observed("publish", time.monotonic() - began, is_failed=is_failed)

    async def _publish(self, outgoing: Sequence[Outgoing]) -> None:
        with as_unavailable("publish"):
            try:
                await self._confirmed([await self._send(message) for message in outgoing])
            except PublishError:
                self._is_declared = False  # a queue is missing
                raise

    async def _confirmed(self, sent: list[asyncio.Task[object]]) -> None:
        _, unanswered = await asyncio.wait(sent, timeout=self._timeout_s)
        if unanswered:
            raise TimeoutError
        for publishing in sent:
            publishing.result()

    async def _send(self, outgoing: Outgoing) -> asyncio.Task[object]:
        async with asyncio.timeout(self._timeout_s):
            exchange = await self._exchange(outgoing.exchange)
            await self._places.acquire()
        publishing = exchange.publish(outgoing.message, outgoing.routing_key, mandatory=outgoing.is_mandatory)
        task: asyncio.Task[object] = asyncio.create_task(publishing)
        self._in_flight.add(task)
        task.add_done_callback(self._answered)
        return task

    def _answered(self, task: asyncio.Task[object]) -> None:
        self._in_flight.discard(task)
        self._places.release()
        if not task.cancelled():
            task.exception()  # retrieved, even if the caller no longer waits for it

    async def _exchange(self, name: str) -> AbstractExchange:
        if not self._is_open():
            async with self._opening:
                if not self._is_open():
                    await self._open()
        return self._exchanges[name]

    def _is_open(self) -> bool:
        return self._is_declared and self._channel is not None and not self._channel.is_closed

    async def _open(self) -> None:
        connection = await self._connection.opened()
        async with connection.channel() as channel:
            await self._declare(channel)
        self._is_declared = True
        if self._channel is None or self._channel.is_closed:
            self._channel = channel = await connection.channel(on_return_raises=True)
            events = await channel.get_exchange(EXCHANGE, ensure=False)
            self._exchanges = {"": channel.default_exchange, EXCHANGE: events}
