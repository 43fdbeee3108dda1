"""The consumer of one queue.

A message that waits (for a free place, for the end of a pause, or for its next try) stays unacknowledged in this
process, so that the broker delivers it to another process if this one dies. The broker counts every lost delivery, by a
crash or by a broken connection. A failing dependency must not count, so it is never answered by requeueing.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from shared import crash_points
from shared.bus import Handler
from shared.bus.rabbitmq import messages
from shared.bus.rabbitmq.connection import ANSWER_S, END_S, Connection, as_unavailable, keep_open
from shared.bus.rabbitmq.publisher import Publisher
from shared.bus.rabbitmq.topology import Layout
from shared.clock import Clock
from shared.ending import ended
from shared.errors import Malformed, StorageFull, Unavailable
from shared.events import parse
from shared.telemetry import trace

log = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]

WAITING = 16
"""Messages that the broker delivers beyond the prefetch, so that others come while some wait for their retry."""
HOLD_S = 300.0
"""RabbitMQ closes a channel that leaves a delivery unanswered for 30 minutes, and counts that. A message that a failing
dependency holds up for longer than this is published to its queue as a new one. That never counts, while other ways to
requeue count: all of them in 3.x, some in 4.x."""
LOOK_S = 0.01
"""Between looks whether messages wait."""
MAX_RETRY_S = 30.0
MAX_PAUSE_S = 10.0


@dataclass(slots=True, kw_only=True)
class _Held:
    """A delivery that is not settled yet."""

    message: AbstractIncomingMessage
    channel: AbstractChannel
    since: float
    failures: int


class Consumer:
    """Consumes one queue until it is closed, over any number of connections."""

    def __init__(
        self,
        queue: str,
        handler: Handler,
        *,
        prefetch: int,
        delivery_limit: int,
        connection: Connection,
        layout: Layout,
        publisher: Publisher,
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        self._queue = queue
        self._handler = handler
        self._prefetch = prefetch
        self._delivery_limit = delivery_limit
        self._connection = connection
        self._layout = layout
        self._publisher = publisher
        self._clock = clock
        self._sleep = sleep
        self._room = asyncio.Semaphore(prefetch)
        self._deliveries: dict[asyncio.Task[None], float] = {}
        """Of what is held here, and when it was published."""
        self._running: set[asyncio.Task[None]] = set()
        self._resumed = asyncio.Event()
        self._resumed.set()
        self._resuming: asyncio.Task[None] | None = None
        self._pause_s = 0.0
        self._channel: AbstractChannel | None = None
        self._opened = asyncio.Event()
        self._is_closing = False
        self._task = asyncio.create_task(keep_open(self._consume, f"consuming {queue}"), name=f"consume {queue}")

    async def close(self) -> None:
        """Start nothing more, wait for the handlers that run, and requeue the rest."""
        self._is_closing = True
        self._drop_waiting()
        while self._running:
            await asyncio.wait(self._running)
        await ended(self._task, self._resuming)

    async def settle(self) -> None:
        """Return once no message waits in the queue, and those that are held here by then are settled."""
        while await self._ready():  # noqa: ASYNC110 - the broker does not tell
            await asyncio.sleep(LOOK_S)
        if self._deliveries:
            await asyncio.wait(tuple(self._deliveries))

    async def depth(self) -> int:
        """How many messages wait in the queue or are held here."""
        return await self._ready() + len(self._deliveries)

    def oldest_at(self) -> float | None:
        """When the oldest message that is held here was published; None: none is."""
        return min(self._deliveries.values(), default=None)

    async def _ready(self) -> int:
        """How many messages wait in the queue; what was on its way from there has arrived by then."""
        with as_unavailable("ask for the length of a queue"):
            async with asyncio.timeout(ANSWER_S):
                while (channel := self._channel) is None:
                    await self._opened.wait()
                queue = await channel.declare_queue(self._queue, passive=True)
                ready = queue.declaration_result.message_count or 0
                # Messages that were on their way arrive before the second answer on the same channel.
                await channel.declare_queue(self._queue, passive=True)
        return ready

    async def _consume(self) -> None:
        """Consume on one channel until it closes."""
        ended = asyncio.Event()
        connection = await self._connection.opened()
        with as_unavailable(f"consume {self._queue}"):
            async with asyncio.timeout(ANSWER_S):
                channel = await connection.channel(publisher_confirms=False)
                channel.close_callbacks.add(lambda _channel, _error: ended.set())
                underlay = await channel.get_underlay_channel()
                underlay.on_consumer_cancel_callbacks.add(lambda _: ended.set())  # the queue was deleted
                queue = await self._layout.declare_queue(channel, self._queue)
                await channel.set_qos(prefetch_count=self._prefetch + WAITING)
                await queue.consume(partial(self._receive, channel))
        self._channel = channel
        self._opened.set()
        try:
            await ended.wait()
        finally:
            self._channel = None
            self._opened.clear()
            self._drop_waiting()
            with contextlib.suppress(Unavailable), as_unavailable("requeue messages"):
                async with asyncio.timeout(END_S):
                    await underlay.basic_nack(0, multiple=True)
                    await channel.close()

    def _drop_waiting(self) -> None:
        for task in self._deliveries.keys() - self._running:
            task.cancel()

    async def _receive(self, channel: AbstractChannel, message: AbstractIncomingMessage) -> None:
        if self._is_closing:
            return
        held = _Held(message=message, channel=channel, since=self._clock(), failures=messages.failures(message))
        # A task of its own: the tasks of a lost channel are cancelled, but a handler runs to its end.
        task = asyncio.create_task(self._deliver(held))
        self._deliveries[task] = held.since if message.timestamp is None else message.timestamp.timestamp()
        task.add_done_callback(self._deliveries.pop)

    async def _deliver(self, held: _Held) -> None:
        """Try until the message is settled, or until the broker gives it to another process."""
        retry_s: float | None = 0.0
        while retry_s is not None:
            await self._sleep(retry_s)
            async with self._room:
                await self._resumed.wait()
                retry_s = await self._run(held)
            if self._is_closing or held.channel.is_closed:
                return

    async def _run(self, held: _Held) -> float | None:
        """Try once, even if the connection is lost meanwhile. Returns the seconds until the next try; None: settled."""
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._running.add(task)
        try:
            retry_s = await self._try(held)
            if retry_s is None:
                await self._acknowledge(held)
        except (Unavailable, StorageFull) as error:
            self._pause(error.detail)
            return 0.0
        else:
            return retry_s
        finally:
            self._running.discard(task)

    async def _try(self, held: _Held) -> float | None:
        if messages.redeliveries(held.message) >= self._layout.broker_limit:
            await self._dead_letter(held, "it was delivered too often without an answer: it may end the process")
        elif self._clock() - held.since >= HOLD_S:
            await self._publisher.publish([messages.requeued(held.message, self._queue, failures=held.failures)])
        else:
            return await self._handle(held)
        return None

    async def _handle(self, held: _Held) -> float | None:
        try:
            event = parse(held.message.body)
            trace.enter(event.traceparent, event=event.id, subject=event.subject)
            crash_points.reached("consumer.before_handler")
            await self._handler(event)
            crash_points.reached("consumer.after_handler")
        except (Unavailable, StorageFull):
            raise
        except Malformed as error:
            await self._dead_letter(held, error.detail)
        except Exception as error:
            held.failures += 1
            log.exception("%s: delivery %d of a message failed", self._queue, held.failures)
            if held.failures < self._delivery_limit:
                return min(MAX_RETRY_S, 0.1 * 2**held.failures)
            await self._dead_letter(held, f"{type(error).__name__}: {error}")
        else:
            self._pause_s = 0.0
        return None

    async def _dead_letter(self, held: _Held, reason: str) -> None:
        dead_letter = messages.dead_lettered(held.message, self._queue, reason=reason, at=self._clock())
        await self._publisher.publish([dead_letter])

    async def _acknowledge(self, held: _Held) -> None:
        """Acknowledge; if the connection is gone, the broker delivers the message again."""
        with contextlib.suppress(Unavailable), as_unavailable("acknowledge"):
            async with asyncio.timeout(ANSWER_S):
                await held.message.ack()

    def _pause(self, reason: str) -> None:
        if not self._resumed.is_set():
            return  # the failing dependency has paused the queue already
        self._pause_s = min(MAX_PAUSE_S, max(0.1, self._pause_s * 2))
        log.warning("%s pauses for %.1f s: %s", self._queue, self._pause_s, reason)
        self._resumed.clear()
        self._resuming = asyncio.create_task(self._resume_after(self._pause_s))

    async def _resume_after(self, pause_s: float) -> None:
        await self._sleep(pause_s)
        self._resumed.set()
