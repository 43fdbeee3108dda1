"""How a process ends with its spans."""

import asyncio
import threading

from shared.telemetry import tracing
from shared.telemetry.tracing import Tracing


class Provider:
    """Of spans that go to a collector which answers once it is told to."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.is_done = False

    def get_tracer(self, _name: str) -> None: ...

    def shutdown(self) -> None:
        self.is_done = self.answers.wait(30)


async def test_a_stop_waits_for_the_last_spans():
    provider = Provider()
    asyncio.get_running_loop().call_later(0.05, provider.answers.set)
    await Tracing(provider).close()
    assert provider.is_done


async def test_a_stop_does_not_wait_for_a_collector_that_is_away(monkeypatch):
    monkeypatch.setattr(tracing, "CLOSE_S", 0.05)
    provider = Provider()
    try:
        await Tracing(provider).close()
        assert not provider.is_done
    finally:
        provider.answers.set()
