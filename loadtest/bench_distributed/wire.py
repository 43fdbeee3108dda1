"""A forwarder before MongoDB's port that counts messages and bytes: what a cycle asks of the database."""

import asyncio
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit, urlunsplit

HEAD = 4
"""Every message of the protocol begins with its whole length, four bytes, the lowest first."""
CHUNK = 65_536


@dataclass(slots=True)
class Counted:
    url: str
    """What services connect to instead."""
    commands: int = 0
    sent: int = 0
    answered: int = 0
    """Bytes to the database, and bytes from it."""


@contextmanager
def counting(url: str) -> Iterator[Counted]:
    """Forwards to the MongoDB server of `url`, in a thread of its own, until the block ends."""
    told: Future[tuple[Counted, Callable[[], object]]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_forward(url, told)), name="wire")
    thread.start()
    counted, end = told.result()
    try:
        yield counted
    finally:
        end()
        thread.join()


async def _forward(url: str, told: "Future[tuple[Counted, Callable[[], object]]]") -> None:
    """Tells what is counted, and how to end it, once it listens."""
    there, counted, ended = urlsplit(url), Counted(""), asyncio.Event()

    async def connect(client: StreamReader, to_client: StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            server, to_server = await asyncio.open_connection(there.hostname, there.port)
            await asyncio.gather(_requests(client, to_server, counted), _answers(server, to_client, counted))

    listener = await asyncio.start_server(connect, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    counted.url = urlunsplit(there._replace(netloc=f"127.0.0.1:{port}"))
    told.set_result((counted, partial(asyncio.get_running_loop().call_soon_threadsafe, ended.set)))
    await ended.wait()
    listener.close()


async def _requests(client: StreamReader, to_server: StreamWriter, counted: Counted) -> None:
    try:
        while True:
            head = await client.readexactly(HEAD)
            length = int.from_bytes(head, "little")
            to_server.write(head + await client.readexactly(length - HEAD))
            await to_server.drain()
            counted.commands += 1
            counted.sent += length
    finally:
        to_server.close()


async def _answers(server: StreamReader, to_client: StreamWriter, counted: Counted) -> None:
    try:
        while chunk := await server.read(CHUNK):
            to_client.write(chunk)
            await to_client.drain()
            counted.answered += len(chunk)
    finally:
        to_client.close()
