"""A proxy that stands before a server and does to requests what networks and servers in trouble do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

STALL_S = 60
ERROR = "HTTP/1.1 {status} Trouble\r\nContent-Type: {type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
"""Each connection is for one request; a client that does not know counts the broken one as a try."""


@dataclass
class Proxy:
    """`faults` are what befalls the next requests, one each, and `forever` all after them; None: they get through."""

    url: str
    upstream: tuple[str, int]
    faults: list["Fault | None"] = field(default_factory=list)
    forever: "Fault | None" = None
    requests: list[str] = field(default_factory=list)
    """The first lines of those that came."""

    def fail(self, fault: "Fault | None") -> None:
        """Let this befall every request from now on; None: nothing does."""
        self.forever = fault
        self.requests.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head.partition(b"\r\n")[0].decode())
            body = await reader.readexactly(_length(head))
            fault = self.faults.pop(0) if self.faults else self.forever
            if fault is None:
                writer.write(await self.forward(head, body))
            else:
                await fault(self, head, body, writer)
            await writer.drain()

    async def forward(self, head: bytes, body: bytes) -> bytes:
        """The whole answer of the server."""
        reader, writer = await asyncio.open_connection(*self.upstream)
        writer.write(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) + body)
        answer = await reader.read()
        writer.close()
        return answer


Fault = Callable[[Proxy, bytes, bytes, asyncio.StreamWriter], Awaitable[None]]


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def answers(status: int, code: str = "", *, media_type: str = "application/xml") -> Fault:
    """The server answers with an error instead of doing what it was asked for."""
    content = f"<Error><Code>{code}</Code><Message>no</Message></Error>" if code else "<html>down</html>"

    async def answer(_proxy, _head, _body, writer) -> None:
        head = ERROR.format(status=status, type=media_type, length=len(content))
        writer.write((head + content).encode())

    return answer


async def resets(_proxy, _head, _body, writer) -> None:
    """The connection breaks before the server hears of the request."""
    writer.transport.abort()


async def forgets_to_answer(proxy, head, body, writer) -> None:
    """The server does as it is told, and the connection breaks before its answer."""
    await proxy.forward(head, body)
    writer.transport.abort()


async def stalls(_proxy, _head, _body, _writer) -> None:
    """Nothing comes any more."""
    await asyncio.sleep(STALL_S)


async def truncates(proxy, head, body, writer) -> None:
    """The answer ends within its body."""
    answer = await proxy.forward(head, body)
    begin = answer.index(b"\r\n\r\n") + 4
    writer.write(answer[: begin + (len(answer) - begin) // 2])


async def stalls_within_the_answer(proxy, head, body, writer) -> None:
    await truncates(proxy, head, body, writer)
    await writer.drain()
    await asyncio.sleep(STALL_S)


async def hides_the_length(proxy, head, body, writer) -> None:
    """The answer ends within its body, and nothing says how long it should have been."""
    answer = await proxy.forward(head, body)
    answer_head, _, content = answer.partition(b"\r\n\r\n")
    lines = [line for line in answer_head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    writer.write(b"\r\n".join([*lines, b"Connection: close", b"", b""]) + content[: len(content) // 2])


async def spoils_the_request(proxy, head, body, writer) -> None:
    """A bit of the body turns over on the way to the server."""
    writer.write(await proxy.forward(head, body[:-1] + bytes([body[-1] ^ 1])))


@contextlib.asynccontextmanager
async def before(url: str) -> AsyncIterator[Proxy]:
    """A proxy before the server at a URL."""
    upstream = urlsplit(url)
    assert upstream.hostname is not None
    assert upstream.port is not None
    proxy = Proxy(url="", upstream=(upstream.hostname, upstream.port))
    serving: set[asyncio.Task] = set()

    async def serve(reader, writer) -> None:
        serving.add(asyncio.current_task())
        try:
            await proxy.serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
