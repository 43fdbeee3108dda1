"""Connections that come in a burst."""

import asyncio
import contextlib
import socket

import pytest

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


async def test_those_that_wait_are_taken_before_it_ends_and_later_ones_refused():
    """What was connected is answered: a proxy would not send its request once more."""
    made = 0

    class Made(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            nonlocal made
            made += 1
            transport.close()

    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=BURST))
        address = listening.getsockname()
        listener = Listener(listening, Connections(WireLimits()), Made)
        await asyncio.sleep(0)
        for _ in range(BURST):
            stack.enter_context(socket.create_connection(address))
        await listener.take_the_last()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
    assert made == BURST
