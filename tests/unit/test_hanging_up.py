"""Work for a caller who may hang up, and what stays of it."""

import asyncio

import pytest
from fastapi import Request
from starlette.requests import ClientDisconnect

from shared.errors import Invalid
from shared.http.hanging_up import unless_gone
from tests.service.held_bodies import bodies_held

LARGE = 100_000


def request(*, is_gone: bool) -> Request:
    async def receive() -> dict[str, object]:
        if not is_gone:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http"}, receive)


async def fail(body: bytes) -> None:
    await asyncio.sleep(0)
    raise Invalid(f"{len(body)} bytes are not taken")


async def wait(body: bytes) -> int:
    await asyncio.Event().wait()
    return len(body)


async def test_nothing_of_a_body_stays_where_the_work_fails():
    with bodies_held(LARGE) as held:
        with pytest.raises(Invalid) as caught:
            await unless_gone(request(is_gone=False), fail(bytes(LARGE)))
        del caught
    assert held.kinds == []


async def test_nothing_of_a_body_stays_where_the_caller_hangs_up():
    with bodies_held(LARGE) as held:
        with pytest.raises(ClientDisconnect) as caught:
            await unless_gone(request(is_gone=True), wait(bytes(LARGE)))
        del caught
        await asyncio.sleep(0)
    assert held.kinds == []
