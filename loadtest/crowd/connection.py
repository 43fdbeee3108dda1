"""As little of HTTP/1.1 as is needed, so that the client leaves the processors to the server."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from loadtest.errors import MeasurementFailed

HOST = "127.0.0.1"
KEY = "qk_"
"""What a name begins with that is a key, where the platform knows its callers."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body."""

    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Connection(asyncio.Protocol):
    """One keep-alive connection, one request at a time. It understands bodies with a Content-Length only."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._needed = 0
        self._body_at = 0
        self._waiter: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None

    async def send(self, request: bytes, body: bytes = b"") -> Answer:
        """Send a request, head and all, and wait for its answer."""
        if self._transport is None or self._transport.is_closing():
            raise MeasurementFailed("the server closed the connection")
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        if body:
            self._transport.write(body)
        return await self._waiter

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - that is what a TCP connection has
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._needed:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._body_at = end + 4
            self._needed = self._body_at + _content_length(bytes(self._buffer[:end]))
        if len(self._buffer) >= self._needed:
            self._answered()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(MeasurementFailed(f"the server closed the connection: {exc}"))

    def _answered(self) -> None:
        answer = Answer(int(self._buffer[9:12]), bytes(self._buffer[self._body_at : self._needed]))
        self._buffer.clear()
        self._needed = 0
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(answer)


class Caller:
    """A named caller on a connection, which callers may share; one request at a time."""

    def __init__(self, connection: Connection, name: str, port: int) -> None:
        self._connection = connection
        self._port = port
        who = f"Authorization: Bearer {name}" if name.startswith(KEY) else f"X-Quorate-User: {name}"
        self._headers = f" HTTP/1.1\r\nHost: {HOST}:{port}\r\n{who}\r\n".encode()

    def named(self, name: str) -> "Caller":
        """Another caller on the same connection."""
        return Caller(self._connection, name, self._port)

    async def get(self, path: str) -> Answer:
        return _good(await self._connection.send(b"GET " + path.encode() + self._headers + b"\r\n"), path)

    async def post(self, path: str, content: object) -> Answer:
        body = json.dumps(content).encode()
        return await self.post_bytes(path, body, "application/json")

    async def post_bytes(self, path: str, body: bytes, media_type: str) -> Answer:
        head = b"POST %b%bContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (
            path.encode(),
            self._headers,
            media_type.encode(),
            len(body),
        )
        small = len(body) < 10_000
        answer = await (self._connection.send(head + body) if small else self._connection.send(head, body))
        return _good(answer, path)

    async def status_of(self, path: str) -> int:
        """The status of a GET, whatever it is."""
        return (await self._connection.send(b"GET " + path.encode() + self._headers + b"\r\n")).status

    def close(self) -> None:
        self._connection.close()


async def connect(port: int, name: str, host: str = HOST) -> Caller:
    """A connection of its own for one named caller."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, host, port)
    return Caller(connection, name, port)


@asynccontextmanager
async def connected(port: int, names: Iterable[str]) -> AsyncIterator[list[Caller]]:
    """A caller on a connection of its own for each name; closed with the block."""
    callers = [await connect(port, name) for name in names]
    try:
        yield callers
    finally:
        for caller in callers:
            caller.close()


async def all_of(work: Sequence[Coroutine[None, None, None]]) -> None:
    """Do it all at the same time; the first failure ends it."""
    async with asyncio.TaskGroup() as group:
        for one in work:
            group.create_task(one)


def _content_length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    if at < 0:
        raise MeasurementFailed("an answer without Content-Length")
    return int(lower[at + 17 :].split(b"\r\n", 1)[0])


def _good(answer: Answer, path: str) -> Answer:
    if answer.status >= 300:
        raise MeasurementFailed(f"{path.partition('?')[0]} answered {answer.status}: {answer.body[:300]!r}")
    return answer
