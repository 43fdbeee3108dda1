"""Which bodies are still in memory after a request, with the collector of circles off: what it would have to find is
held for as long as nobody looks."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from starlette.requests import ClientDisconnect

Message = dict[str, object]
Asgi = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


@dataclass(kw_only=True)
class Held:
    """Kinds of the objects that hold large bytes, or lie in a circle with what does."""

    kinds: list[str] = field(default_factory=list)


@contextlib.contextmanager
def bodies_held(min_bytes: int) -> Iterator[Held]:
    """What was done meanwhile and holds bytes of at least this size in a circle when it ends."""
    held = Held()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield held
        gc.collect()
        held.kinds = sorted({type(one).__qualname__ for one in gc.garbage if _holds(one, min_bytes)})
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
        gc.collect()


def holders(min_bytes: int) -> int:
    """How many objects hold large bytes at the moment."""
    return sum(_holds(one, min_bytes) for one in gc.get_objects())


def _holds(one: object, min_bytes: int) -> bool:
    return any(
        (isinstance(other, bytes | bytearray | str) and len(other) >= min_bytes)
        or (isinstance(other, np.ndarray) and other.nbytes >= min_bytes)
        for other in gc.get_referents(one)
    )


async def ask(
    app: Asgi, path: str, chunks: AsyncIterator[bytes], content_type: str, *, query: str = "", hangs_up: bool = False
) -> int:
    """The status of the answer to a POST whose body comes in these chunks; 0: none, for the caller hung up."""
    statuses, is_over = [0], asyncio.Event()

    async def receive() -> Message:
        async for chunk in chunks:
            return {"type": "http.request", "body": chunk, "more_body": True}
        if hangs_up:
            return {"type": "http.disconnect"}
        if is_over.is_set():
            await asyncio.Event().wait()
        is_over.set()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses[0] = message["status"]

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(b"host", b"localhost"), (b"content-type", content_type.encode("latin-1"))],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    with contextlib.suppress(ClientDisconnect):
        await app(scope, receive, send)
    return statuses[0]


async def in_chunks(make: Callable[[], bytes], cut: int = 0, size: int = 65_536) -> AsyncIterator[bytes]:
    """A body that nobody holds but who reads it, without its last `cut` bytes."""
    body = make()
    for at in range(0, len(body) - cut, size):
        yield body[at : min(at + size, len(body) - cut)]
