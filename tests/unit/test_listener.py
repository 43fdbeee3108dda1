"""Connections that come in a burst."""

import asyncio
import contextlib
import socket

from shared.http.connections import Connections, WireLimits
from shared.http.listener import AT_ONCE, Listener

BURST = 3 * AT_ONCE
TURNS = 10
"""Of the loop, for each lot of connections that are taken together."""


async def test_a_burst_takes_few_turns_of_the_loop():
    made: list[asyncio.Protocol] = []

    class Made(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.append(self)
            transport.close()

    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=BURST))
        listener = Listener(listening, Connections(WireLimits()), Made)
        await asyncio.sleep(0)  # it listens
        for _ in range(BURST):
            stack.enter_context(socket.create_connection(listening.getsockname()))
        for _ in range(TURNS * BURST // AT_ONCE):
            await asyncio.sleep(0)
        listener.close()
        await listener.wait_closed()
    assert len(made) == BURST
