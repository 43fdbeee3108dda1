"""Live progress: the tasks that someone watches are looked at once a second, however many watch, and less often while
nothing happens in them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import orjson

from services.task_manager.shapes import task_shown
from services.task_manager.store import TaskStore
from shared.errors import QuorateError

PERIOD_S = 1.0
CALM_S = 3.0
"""Between looks at a task in which nothing has happened for a while."""
CALMER = 1.5
"""How much longer each look waits than the one before, as long as nothing happens."""
SILENCE_S = 15.0
"""A comment is sent after so long without news, so that nobody between takes the connection for dead."""


@dataclass(slots=True)
class _Watched:
    watchers: int = 0
    latest: bytes = b""
    is_ended: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    poll: "asyncio.Task[None] | None" = None


class Progress:
    """The tasks that are being watched through this process."""

    def __init__(self, store: TaskStore) -> None:
        self._store = store
        self._watched: dict[str, _Watched] = {}

    async def watch(self, task_id: str) -> AsyncIterator[bytes]:
        """Server-sent events `progress`, each with the task as data, until it is completed or cancelled."""
        watched = self._watched.setdefault(task_id, _Watched())
        watched.watchers += 1
        try:
            if watched.poll is None:
                watched.poll = asyncio.create_task(self._poll(task_id, watched))
            seen = b""
            while True:
                changed = watched.changed
                if watched.latest != seen:
                    seen = watched.latest
                    yield b"event: progress\ndata: " + seen + b"\n\n"
                if watched.is_ended:
                    return
                try:
                    await asyncio.wait_for(changed.wait(), SILENCE_S)
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self._leave(task_id, watched)

    def close(self) -> None:
        """End every stream: whoever watches has to come back, to another process or later."""
        for watched in self._watched.values():
            watched.is_ended = True
            watched.changed.set()

    def _leave(self, task_id: str, watched: _Watched) -> None:
        watched.watchers -= 1
        if watched.watchers == 0:
            if watched.poll is not None:
                watched.poll.cancel()
            self._watched.pop(task_id, None)

    async def _poll(self, task_id: str, watched: _Watched) -> None:
        pause_s = PERIOD_S
        while not watched.is_ended:
            try:
                task, counts = await self._store.find(task_id)
            except QuorateError:
                await asyncio.sleep(PERIOD_S)
                continue
            watched.is_ended = task.state in ("completed", "cancelled")
            latest = orjson.dumps(task_shown(task, counts))
            pause_s = min(CALM_S, CALMER * pause_s)
            if latest != watched.latest or watched.is_ended:
                pause_s = PERIOD_S
                watched.latest = latest
                watched.changed.set()
                watched.changed = asyncio.Event()
            await asyncio.sleep(pause_s)
