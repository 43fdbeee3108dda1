"""Live progress: the tasks that someone watches are looked at once a second, however many watch, and less often while
nothing happens in them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

import orjson

from services.task_manager.domain import Counts, Task
from services.task_manager.shapes import task_shown
from services.task_manager.store import TaskStore
from shared.clock import Clock
from shared.errors import NotFound, QuorateError

PERIOD_S = 1.0
CALM_S = 3.0
"""Between looks at a task in which nothing has happened for a while."""
CALMER = 1.5
"""How much longer each look waits than the one before, as long as nothing happens."""
SILENCE_S = 15.0
"""A comment is sent after so long without news, so that nobody between takes the connection for dead."""
RATE_S = 60.0
RETRY = b"retry: 2000\n\n"
STILL_HERE = b": still here\n\n"
END = b"event: end\ndata: {}\n\n"


@dataclass(slots=True)
class _Watched:
    """event: what its watchers are sent, of this version; empty before the first look. woken: set when it changes."""

    event: bytes = b""
    version: str = ""
    is_over: bool = False
    woken: set[asyncio.Event] = field(default_factory=set[asyncio.Event])
    poll: "asyncio.Task[None] | None" = None

    def tell(self, event: bytes, version: str, *, is_over: bool) -> None:
        if version == self.version:
            return
        self.event, self.version, self.is_over = event, version, is_over
        for woken in self.woken:
            woken.set()


class Progress:
    """The tasks that are being watched through this process."""

    def __init__(self, store: TaskStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._watched: dict[tuple[str, str], _Watched] = {}
        self._is_closing = False

    async def watch(self, team: str, task_ids: Iterable[str], *, seen: str = "") -> AsyncIterator[bytes]:
        """Server-sent events of a team's tasks: `progress` with a task as data, `gone` for one that is not there or was
        cancelled, and `end` when nothing more will come.

        seen: the id of the last event that the caller got before the connection was cut; that one is not sent again.
        """
        woken = asyncio.Event()
        seen_task, _, seen_version = seen.partition(":")
        told = {seen_task: seen_version}
        watched = {task_id: self._join((team, task_id), woken) for task_id in dict.fromkeys(task_ids)}
        try:
            yield RETRY
            while not self._is_closing:
                woken.clear()
                for task_id, one in watched.items():
                    if one.version and told.get(task_id) != one.version:
                        told[task_id] = one.version
                        yield one.event
                if all(one.is_over for one in watched.values()):
                    yield END
                    return
                try:
                    await asyncio.wait_for(woken.wait(), SILENCE_S)
                except TimeoutError:
                    yield STILL_HERE
        finally:
            for task_id, one in watched.items():
                self._leave((team, task_id), one, woken)

    def close(self) -> None:
        """Cut every stream: whoever watches has to come back, to another process or later."""
        self._is_closing = True
        for woken in [woken for one in self._watched.values() for woken in one.woken]:
            woken.set()

    def _join(self, of: tuple[str, str], woken: asyncio.Event) -> _Watched:
        watched = self._watched.setdefault(of, _Watched())
        watched.woken.add(woken)
        if watched.poll is None:
            watched.poll = asyncio.create_task(self._poll(*of, watched))
        return watched

    def _leave(self, of: tuple[str, str], watched: _Watched, woken: asyncio.Event) -> None:
        watched.woken.discard(woken)
        if not watched.woken:
            if watched.poll is not None:
                watched.poll.cancel()
            self._watched.pop(of, None)

    async def _poll(self, team: str, task_id: str, watched: _Watched) -> None:
        pause_s, last = PERIOD_S, None
        while not watched.is_over:
            try:
                now = await self._store.find(task_id)
                if now[0].team != team:
                    raise NotFound("no such task")  # noqa: TRY301 - as if it were not there
                rate = await self._votes_per_minute(*now)
            except NotFound:
                watched.tell(_gone(task_id), "gone", is_over=True)
                return
            except QuorateError:
                await asyncio.sleep(PERIOD_S)
                continue
            pause_s, last = PERIOD_S if now != last else min(CALM_S, CALMER * pause_s), now
            _tell(watched, *now, rate)
            await asyncio.sleep(pause_s)

    async def _votes_per_minute(self, task: Task, counts: Counts) -> int:
        """People's votes in the images that votes ended in the last minute."""
        if counts.images == counts.open or _is_over(task):
            return 0
        return await self._store.votes_since(task.id, self._clock() - RATE_S)


def _tell(watched: _Watched, task: Task, counts: Counts, votes_per_minute: int) -> None:
    data = orjson.dumps(task_shown(task, counts) | {"rates": {"votes_per_minute": votes_per_minute}})
    version = hashlib.sha256(data).hexdigest()[:16]
    event = b"event: progress\nid: %b:%b\ndata: %b\n\n" % (task.id.encode(), version.encode(), data)
    if task.state == "cancelled":
        event += _gone(task.id)
    watched.tell(event, version, is_over=_is_over(task))


def _is_over(task: Task) -> bool:
    return task.state in ("completed", "cancelled")


def _gone(task_id: str) -> bytes:
    return b"event: gone\ndata: %b\n\n" % orjson.dumps({"id": task_id})
