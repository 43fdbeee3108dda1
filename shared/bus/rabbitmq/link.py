"""One connection to the broker, opened again whenever it is lost.

aio-pika's own robust connections are not used: what has to come back after a loss (which handlers still run, what waits
for its retry) is known here only.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Generator

from aio_pika import Connection
from aio_pika.abc import AbstractConnection
from aio_pika.connection import make_url
from aio_pika.exceptions import AMQPError, PublishError

from shared.errors import Unavailable

log = logging.getLogger(__name__)
logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # it tells every loss with a stack trace; we do in one line

HEARTBEAT_S = 10
"""A broker that is silent for three of them is taken for gone."""
ANSWER_S = 10.0
"""How long the broker may take for one answer."""
END_S = 3.0
"""How long it may take to say goodbye."""
FIRST_PAUSE_S = 0.1
MAX_PAUSE_S = 5.0
_LOST = (AMQPError, RuntimeError, OSError)
"""What the driver raises when a connection or channel is not there; a closed channel is a RuntimeError to it."""


@contextlib.contextmanager
def as_unavailable(doing: str) -> Generator[None]:
    """Translate what the driver raises. Its futures may raise CancelledError though nobody has cancelled us."""
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


async def keep(hold: Callable[[], Awaitable[None]], name: str) -> None:
    """Hold something open for ever: it is opened again after a pause, which grows while it does not stay open."""
    loop = asyncio.get_running_loop()
    pause_s = FIRST_PAUSE_S
    while True:
        began = loop.time()
        try:
            await hold()
        except Unavailable as error:
            log.warning("%s: %s", name, error.detail)
        except Exception:  # whatever ails it, it has to come back
            log.exception("%s failed", name)
        lasted_s = loop.time() - began
        pause_s = FIRST_PAUSE_S if lasted_s > MAX_PAUSE_S else min(MAX_PAUSE_S, 2 * pause_s)
        await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - so that replicas do not come all at once


class Link:
    """A connection for as long as it is not closed here."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._connection: AbstractConnection | None = None
        self._opened = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(keep(self._hold, self._name), name=self._name)

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    async def connection(self) -> AbstractConnection:
        """The connection; waits until there is one."""
        while self._connection is None:
            await self._opened.wait()
        return self._connection

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _hold(self) -> None:
        """One connection, from its opening to its loss."""
        lost = asyncio.Event()
        connection = Connection(
            make_url(self._url, heartbeat=HEARTBEAT_S), client_properties={"connection_name": self._name}
        )
        try:
            with as_unavailable("connect"):
                async with asyncio.timeout(ANSWER_S):
                    await connection.connect()
            connection.close_callbacks.add(lambda _connection, _error: lost.set())
            self._connection = connection
            self._opened.set()
            await lost.wait()
            log.warning("%s: the connection was lost", self._name)
        finally:
            self._connection = None
            self._opened.clear()
            await _end(connection)


async def _end(connection: Connection) -> None:
    with contextlib.suppress(Unavailable), as_unavailable("disconnect"):
        async with asyncio.timeout(END_S):
            await connection.close()
    await connection.close()  # where the first did not come to its end: what is not closed, closes when it is collected
