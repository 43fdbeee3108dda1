"""Following a task until it ends."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import cast

from quorate.connection import Connection
from quorate.errors import NotInTimeError
from quorate.paths import task_path
from quorate.retries import RETRIED_ERRORS, RetryPolicy
from quorate.shapes import Task
from quorate.sse import events, lines

FINISHED = frozenset({"completed", "cancelled"})
EVENT_STREAM = "text/event-stream"


class Following:
    """A task's progress, as the platform streams it. timeout_s: how long the whole may take, None for as long as it
    does. read_timeout_s: how long the stream may say nothing."""

    def __init__(
        self, api: Connection, retry: RetryPolicy, task_id: str, *, read_timeout_s: float, timeout_s: float | None
    ) -> None:
        self._api = api
        self._retry = retry
        self._task_id = task_id
        self._read_timeout_s = read_timeout_s
        self._end = float("inf") if timeout_s is None else retry.clock() + timeout_s

    def tasks(self) -> Iterator[Task]:
        """The task, each time its progress changes, until it is completed or cancelled; reconnects when cut off.
        Raises NotInTimeError."""
        silent = 0
        while True:
            silent += 1
            with suppress(*RETRIED_ERRORS):
                for task in self._streamed():
                    silent = 1
                    yield task
                    if task["state"] in FINISHED:
                        return
            self._retry.sleep(max(0.0, min(self._retry.pause_s(silent), self._end - self._retry.clock())))
            self._check_time()
            # Asked for as well: behind a proxy that holds the stream back, this is all the progress there is.
            task = cast("Task", self._api.json("GET", task_path(self._task_id)))
            yield task
            if task["state"] in FINISHED:
                return

    def _streamed(self) -> Iterator[Task]:
        left_s = self._end - self._retry.clock()
        self._check_time()
        read_timeout_s = min(self._read_timeout_s, max(left_s, 0.1))
        path = task_path(self._task_id, "events")
        with self._api.stream(path, accept=EVENT_STREAM, read_timeout_s=read_timeout_s) as response:
            for name, data in events(self._in_time(lines(response.iter_bytes()))):
                if name == "progress":
                    yield cast("Task", json.loads(data))

    def _in_time(self, stream: Iterator[str]) -> Iterator[str]:
        for line in stream:
            self._check_time()
            yield line

    def _check_time(self) -> None:
        if self._retry.clock() >= self._end:
            raise NotInTimeError(f"task {self._task_id} did not finish in time")
