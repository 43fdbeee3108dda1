"""Takes connections from a listening socket, also after it could not: uvloop's own listener ends for good where the
process has no file descriptor left."""

import asyncio
import contextlib
import logging
import resource
import socket
from collections.abc import Callable
from itertools import chain

from shared.http.connections import Connections

log = logging.getLogger(__name__)

BACKLOG = 2_048
PAUSE_S = 0.05
AT_ONCE = 64
"""Connections that are taken together. One at a time, each would wait some turns of the loop for those before it."""
OTHER_FILES = 256
"""File descriptors for all but connections: databases, spools, pictures being written, servers."""


class Listener:
    """Accepts for as long as it is open. It has the methods of asyncio's `Server` that uvicorn calls."""

    def __init__(
        self, listening: socket.socket, connections: Connections, create: Callable[[], asyncio.BaseProtocol]
    ) -> None:
        listening.setblocking(False)
        listening.listen(BACKLOG)
        self._socket = listening
        self._connections = connections
        self._create = create
        self._accepting = asyncio.create_task(self._accept())

    async def _accept(self) -> None:
        while True:
            taken: list[socket.socket] = []
            try:
                await self._take(taken)
            except OSError as error:  # no descriptor or memory is left, or the caller has gone already
                has_made_room = self._connections.make_room()
                log.warning("no connection could be taken: %s", error, extra={"has_made_room": has_made_room})
                await asyncio.sleep(PAUSE_S)
            await asyncio.shield(asyncio.gather(*map(self._connect, taken)))  # also of those for whom it ends now

    async def _take(self, taken: list[socket.socket]) -> None:
        """Wait for a connection, and add it and those that wait behind it."""
        while not taken:
            await self._readable()
            self._take_waiting(taken)

    def _take_waiting(self, taken: list[socket.socket]) -> None:
        with contextlib.suppress(BlockingIOError):  # no more wait
            while len(taken) < AT_ONCE:
                one, _ = self._socket.accept()
                one.setblocking(False)
                taken.append(one)

    async def _readable(self) -> None:
        """Wait until a connection waits. Ended meanwhile it leaves the connection where it is."""
        loop = asyncio.get_running_loop()
        is_readable = asyncio.Event()
        loop.add_reader(self._socket, is_readable.set)
        try:
            await is_readable.wait()
        finally:
            loop.remove_reader(self._socket)

    async def _connect(self, taken: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._create, taken)
        except OSError:
            taken.close()

    async def take_the_last(self) -> None:
        """Take the connections that wait, and then no more: who comes later is refused at once, and goes elsewhere."""
        self.close()
        await self.wait_closed()
        lots: list[list[socket.socket]] = [[]]
        with contextlib.suppress(OSError):
            self._take_waiting(lots[-1])
            while lots[-1]:
                lots.append([])
                self._take_waiting(lots[-1])
        self._socket.close()
        await asyncio.gather(*map(self._connect, chain.from_iterable(lots)))

    def close(self) -> None:
        self._accepting.cancel()

    async def wait_closed(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await self._accepting


def connections_possible(wanted: int) -> int:
    """How many connections may be open, of those wanted: as many as there are file descriptors to be had for them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OTHER_FILES
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(hard, needed)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(1, min(wanted, soft - OTHER_FILES))
