"""What a connection costs, by counting."""

import asyncio

from uvicorn.config import Config

from shared.http.connections import Connection, Connections, WireLimits

SHARED_NAMES = 30
"""CPython shares so many names among the dicts of a class' objects; with more, every access to them is slower."""


async def test_a_connection_keeps_to_the_names_that_the_interpreter_finds_fast():
    async def app(_scope: object, _receive: object, _send: object) -> None:
        raise AssertionError

    config = Config(app, log_config=None, interface="asgi3", lifespan="off")
    connection = Connection(config, Connections(WireLimits()), {}, asyncio.get_running_loop())
    assert len(vars(connection)) <= SHARED_NAMES
