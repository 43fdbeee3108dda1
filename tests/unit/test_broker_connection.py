"""A connection to a broker that is not there."""

import gc

import aio_pika
import pytest

from shared.bus.rabbitmq.connection import connected
from shared.errors import Unavailable


async def test_a_connection_that_could_not_be_opened_is_closed_and_not_left_to_the_garbage_collector(unused_tcp_port):
    gc.disable()
    try:
        with pytest.raises(Unavailable):
            async with connected(f"amqp://127.0.0.1:{unused_tcp_port}/", "test"):
                pass
        left = [one for one in gc.get_objects() if isinstance(one, aio_pika.Connection) and not one.is_closed]
    finally:
        gc.enable()
    assert not left
