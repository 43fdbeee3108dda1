"""The report that every replica broadcasts about itself every few seconds."""

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence

from pydantic import BaseModel

from shared.admin.minutes import Minute, Minutes
from shared.bus import Bus
from shared.clock import Clock
from shared.ending import ended
from shared.errors import Unavailable
from shared.telemetry.metrics import Metrics
from shared.telemetry.trouble import Trouble
from shared.telemetry.watch import Watch
from shared.version import VERSION

log = logging.getLogger(__name__)

REPORT_S = 5.0
"""The seconds between two reports."""


class QueueStatus(BaseModel):
    """messages: waiting or handled. age_s: how long the oldest has waited at the least; 0 where none waits.

    handled_per_minute: over the last minute, by all replicas.
    """

    queue: str
    messages: int
    age_s: float
    handled_per_minute: int


class Report(BaseModel):
    """One process as it sees itself. A field is None if its server does not answer now.

    name: of its host (on Kubernetes: of its pod) and its number there. services: those that it runs.
    busy: the processor time that it uses, in processors. started_at: in epoch seconds.
    p95_ms: so long 95 of 100 requests of the last minute took at the most.
    model: the voter's name of the model that it runs, if any. minute: the one that ended last.
    The other fields are those of the platform's status.
    Replicas of two versions hear each other: fields may be added, each with a default.
    """

    name: str
    services: tuple[str, ...]
    version: str
    requests_per_minute: int
    errors_per_minute: int
    busy: float
    queues: tuple[QueueStatus, ...] | None
    dead_letters: int | None
    outbox: int | None
    outbox_lag_s: float | None
    started_at: float | None = None
    p95_ms: float | None = None
    model: str | None = None
    minute: Minute | None = None


class Reporter:
    """Broadcasts reports of this process from `start` to `close`."""

    def __init__(
        self,
        services: Sequence[str],
        metrics: Metrics,
        watch: Watch,
        bus: Bus,
        clock: Clock,
        *,
        counters: Mapping[str, Callable[[], int]],
        model: str | None = None,
    ) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._services = tuple(services)
        self._model = model
        self._clock = clock
        self._started_at = clock()
        self._minutes = Minutes(counters, metrics.took, self._started_at)
        self._metrics = metrics
        self._watch = watch
        self._bus = bus
        self._began = (time.monotonic(), time.process_time())
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="reporter")

    async def close(self) -> None:
        await ended(self._task)

    async def report(self) -> Report:
        """The report of this process now."""
        waiting = await self._watch.look()
        took_s = self._metrics.took.quantile_s(0.95)
        waits = None if waiting.queues is None else sorted(waiting.queues.items())
        queues = None if waits is None else tuple(self._queue(name, messages) for name, messages in waits)
        return Report(
            name=self.name,
            services=self._services,
            version=VERSION,
            requests_per_minute=self._metrics.requests.per_minute(),
            errors_per_minute=self._metrics.errors.per_minute(),
            busy=round(self._busy(), 3),
            queues=queues,
            dead_letters=None if waiting.dead is None else sum(waiting.dead.values()),
            outbox=waiting.outbox,
            outbox_lag_s=None if waiting.outbox_lag_s is None else round(waiting.outbox_lag_s, 3),
            started_at=self._started_at,
            p95_ms=None if took_s is None else round(1000 * took_s, 1),
            model=self._model,
            minute=self._minutes.last(self._clock(), {one.queue: one.age_s for one in queues or ()}),
        )

    def _queue(self, queue: str, messages: int) -> QueueStatus:
        return QueueStatus(
            queue=queue,
            messages=messages,
            age_s=round(self._metrics.age_s(queue), 3),
            handled_per_minute=self._metrics.handled.per_minute(queue),
        )

    def _busy(self) -> float:
        """Processors used since the last broadcast."""
        since, used_s = self._began
        return (time.process_time() - used_s) / max(0.001, time.monotonic() - since)

    async def _run(self) -> None:
        trouble = Trouble(log, "the process cannot report")
        while True:
            with trouble:
                report = await self.report()
                self._began = (time.monotonic(), time.process_time())
                with contextlib.suppress(Unavailable):  # the next report says the same, and more
                    await self._bus.broadcast(report.model_dump_json().encode())
            await asyncio.sleep(REPORT_S)
