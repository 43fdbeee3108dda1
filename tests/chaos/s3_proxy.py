"""What stands between everybody and the S3 server: a proxy in a thread of its own, which fails as it is told."""

import asyncio
import threading
from typing import Self

from tests.contract import faulty_proxy
from tests.contract.faulty_proxy import Fault, Proxy

KINDS: dict[str, Fault] = {
    "S3 answers 503": faulty_proxy.answers(503, "SlowDown"),
    "S3 resets connections": faulty_proxy.resets,
    "S3 truncates bodies": faulty_proxy.truncates,
    "S3 acts and does not answer": faulty_proxy.forgets_to_answer,
    "S3 is cut off": faulty_proxy.stalls,
}
START_S = 10.0


class S3Proxy:
    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._is_up = threading.Event()
        self._ended: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._proxy: Proxy | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="s3 proxy", daemon=True)

    def start(self) -> Self:
        self._thread.start()
        assert self._is_up.wait(START_S), "the proxy before S3 does not start"
        return self

    @property
    def url(self) -> str:
        assert self._proxy is not None
        return self._proxy.url

    def fail(self, fault: Fault | None) -> None:
        """What befalls every request from now on; None: nothing does."""
        assert self._proxy is not None
        self._proxy.forever = fault
        self._proxy.requests.clear()

    def stop(self) -> None:
        if self._loop is not None and self._ended is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(START_S)

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        async with faulty_proxy.before(self._upstream) as self._proxy:
            self._is_up.set()
            await self._ended.wait()
