"""A connection to the broker that is opened again whenever it is lost.

aio-pika's own robust connections are not used: only this package knows what has to come back after a loss, such as
handlers that still run and messages that wait for their retry.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.connection import make_url
from aio_pika.exceptions import AMQPError, PublishError

from shared.ending import ended
from shared.errors import Unavailable

log = logging.getLogger(__name__)
logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # it logs every loss with a stack trace; one line is enough

HEARTBEAT_S = 10
"""A broker that is silent for three heartbeats counts as lost."""
ANSWER_S = 10.0
"""How long the broker may take for one answer."""
ASK_S = 2.0
"""How long it may take to say that it is there."""
END_S = 3.0
"""How long the broker may take to close a channel or a connection."""
FIRST_PAUSE_S = 0.1
MAX_PAUSE_S = 5.0
_LOST = (AMQPError, RuntimeError, OSError)
"""What the driver raises without a connection or channel; for a closed channel it raises RuntimeError."""


@contextlib.contextmanager
def as_unavailable(doing: str) -> Generator[None]:
    """Translate the driver's errors. Its futures may raise CancelledError although this task was not cancelled."""
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise Unavailable(f"cannot {doing}: the connection to the message broker was closed") from error
    except PublishError as error:
        raise Unavailable(f"cannot {doing}: a queue is missing at the message broker") from error
    except TimeoutError as error:
        raise Unavailable(f"cannot {doing}: the message broker does not answer") from error
    except _LOST as error:
        raise Unavailable(f"cannot {doing}: message broker: {type(error).__name__}: {error}") from error


async def keep_open(hold: Callable[[], Awaitable[None]], name: str) -> None:
    """Call `hold` again whenever it ends, after a pause that grows while `hold` keeps failing."""
    loop = asyncio.get_running_loop()
    pause_s = FIRST_PAUSE_S
    while True:
        began = loop.time()
        try:
            await hold()
        except Unavailable as error:
            log.warning("%s: %s", name, error.detail)
        except Exception:  # no error may end the loop
            log.exception("%s failed", name)
        lasted_s = loop.time() - began
        pause_s = FIRST_PAUSE_S if lasted_s > MAX_PAUSE_S else min(MAX_PAUSE_S, 2 * pause_s)
        await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - so that replicas do not reconnect all at once


class Connection:
    """A connection that is kept open until `close`."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._current: AbstractConnection | None = None
        self._is_opened = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(keep_open(self._hold, self._name), name=self._name)

    @property
    def is_open(self) -> bool:
        return self._current is not None

    async def opened(self) -> AbstractConnection:
        """Wait until the connection is open; returns the driver's."""
        while self._current is None:
            await self._is_opened.wait()
        return self._current

    async def close(self) -> None:
        await ended(self._task)

    async def _hold(self) -> None:
        """Connect, and return when the connection is lost."""
        lost = asyncio.Event()
        async with connected(self._url, self._name) as connection:
            connection.close_callbacks.add(lambda _connection, _error: lost.set())
            self._current = connection
            self._is_opened.set()
            try:
                await lost.wait()
                log.warning("%s: the connection was lost", self._name)
            finally:
                self._current = None
                self._is_opened.clear()


@contextlib.asynccontextmanager
async def connected(url: str, name: str) -> AsyncGenerator[aio_pika.Connection]:
    """A connection to the broker, closed at the end, and where it could not be opened.

    `aio_pika.connect` drops one that could not be opened, which the garbage collector then closes in any thread.
    Raises `Unavailable` where the broker cannot be reached.
    """
    connection = aio_pika.Connection(make_url(url, heartbeat=HEARTBEAT_S), client_properties={"connection_name": name})
    try:
        with as_unavailable("connect"):
            async with asyncio.timeout(ANSWER_S):
                await connection.connect()
        yield connection
    finally:
        await _end(connection)


async def ask(connection: Connection) -> None:
    """Ask the broker for an exchange that it always has. Raises Unavailable where it does not answer in ASK_S."""
    with as_unavailable("ask the broker"):
        async with asyncio.timeout(ASK_S):
            async with (await connection.opened()).channel(publisher_confirms=False) as channel:
                await channel.declare_exchange("amq.topic", passive=True)


async def _end(connection: aio_pika.Connection) -> None:
    with contextlib.suppress(Unavailable), as_unavailable("disconnect"):
        async with asyncio.timeout(END_S):
            await connection.close()
    await connection.close()  # again, if that timed out: else the garbage collector would close it, with a warning
