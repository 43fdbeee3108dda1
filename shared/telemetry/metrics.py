"""Prometheus metrics that every process has: requests, events, outboxes. Services add their own."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cache
from types import TracebackType
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.metrics import MetricWrapperBase

from shared.telemetry.calls import Calls
from shared.telemetry.rates import Durations, Rates
from shared.telemetry.seen import Seen
from shared.version import VERSION

LATENCY_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SERVER_ERROR = 500
STREAM = "/events"
"""How the routes of streams end, which take as long as someone watches."""

AGE_S = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 7200, 86_400)


M = TypeVar("M", bound=MetricWrapperBase)


def by_labels(metric: M) -> Callable[..., M]:
    """A metric's children by the values of its labels, in a cache: the library's own look-up takes a lock and longer.

    No caller chooses the values freely, so there are few.
    """
    return cache(metric.labels)


class InFlight:
    """Counts requests under way. All run on one event loop, so a plain number is enough."""

    def __init__(self) -> None:
        self._count = 0

    def __enter__(self) -> None:
        self._count += 1

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        self._count -= 1

    def __float__(self) -> float:
        return float(self._count)


class Metrics:
    """The metrics that every service has, in a registry to which the service adds its own."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests, self.errors, self.handled = Rates(), Rates(), Rates()
        self.took = Durations()
        self._queues: defaultdict[str, _Queue] = defaultdict(_Queue)
        self._requests = by_labels(
            Histogram(
                "quorate_http_request_seconds",
                "How long requests took, until the last byte was handed over.",
                ["method", "route", "status"],
                buckets=LATENCY_S,
                registry=self.registry,
            )
        )
        self.in_flight = InFlight()
        Gauge("quorate_http_requests_in_flight", "Requests under way.", registry=self.registry).set_function(
            self.in_flight.__float__
        )
        self.bodies_held = Gauge(
            "quorate_http_bodies_held_bytes", "Bytes of requests' bodies in memory.", registry=self.registry
        )
        self._handled = by_labels(
            Counter(
                "quorate_bus_handled",
                "Deliveries by what became of them: ok, failed (tried again, then a dead letter), or paused, as"
                " something that the handler depends on was away.",
                ["queue", "outcome"],
                registry=self.registry,
            )
        )
        self._handling = by_labels(
            Histogram(
                "quorate_bus_handler_seconds",
                "How long handlers took.",
                ["queue"],
                buckets=LATENCY_S,
                registry=self.registry,
            )
        )
        self._event_age = by_labels(
            Histogram(
                "quorate_event_age_seconds",
                "How old events were when a handler got them.",
                ["queue"],
                buckets=AGE_S,
                registry=self.registry,
            )
        )
        self._queue_messages = Seen(
            "quorate_queue_messages", "Messages that wait or are handled here.", self.registry, label="queue"
        )
        self._queue_age = Seen(
            "quorate_queue_age_seconds",
            "How long the oldest event has waited that this process can see, or how long none was taken while some"
            " waited, whichever is longer; 0 where none waits.",
            self.registry,
            label="queue",
        )
        self._outbox_pending = Seen(
            "quorate_outbox_pending", "Events saved and not yet published, up to 1,000.", self.registry
        )
        self._outbox_lag = Seen("quorate_outbox_lag_seconds", "How old the oldest of them is.", self.registry)
        self._dead_letters = Seen("quorate_dead_letters", "Dead letters.", self.registry, label="queue")
        self._dependencies = Seen(
            "quorate_dependency_up",
            "Whether a server that the process works on answers: 1 or 0.",
            self.registry,
            label="dependency",
        )
        self._failed_looks = Counter(
            "quorate_looks_failed", "Looks at what waits that were not answered.", ["at"], registry=self.registry
        )
        self._erasures = Seen(
            "quorate_erasures_pending",
            "People whose erasure a service has not carried out yet.",
            self.registry,
            label="at",
        )
        self.calls = Calls(self.registry)
        info = Gauge("quorate_build_info", "1, with the version.", ["version"], registry=self.registry)
        info.labels(VERSION).set(1)

    def request(self, *, method: str, route: str, status: int, took_s: float) -> None:
        """A request was answered. `route` is the template of its path, so that ids do not make series."""
        self._requests(method, route, status).observe(took_s)
        self.requests.count()
        if not route.endswith(STREAM):
            self.took.took(took_s)
        if status >= SERVER_ERROR:
            self.errors.count()

    def delivery(self, queue: str, *, outcome: str, took_s: float, age_s: float) -> None:
        """A handler has ended; its event was `age_s` old when it began."""
        self._handled(queue, outcome).inc()
        self._handling(queue).observe(took_s)
        self._event_age(queue).observe(max(0.0, age_s))
        self._queues[queue].taken(self._now())
        self.handled.count(queue)

    def age_s(self, queue: str) -> float:
        """How long events of a queue wait, as the last look saw it."""
        return self._queues[queue].age_s(self._now())

    def depths(self, counts: Mapping[str, int] | None, ages_s: Mapping[str, float] | None = None) -> None:
        """So many messages wait in each queue or are handled here; None: nobody knows. ages_s: how old the oldest of
        them is that can be seen, by queue."""
        if counts is None:
            self._queue_messages.forget()
            self._queue_age.forget()
            return
        for queue, count in counts.items():
            self._queues[queue].seen(count, (ages_s or {}).get(queue, 0.0), self._now())
        self._queue_messages.set_all(counts)
        self._queue_age.set_all({queue: self.age_s(queue) for queue in counts})

    def outbox(self, pending: int | None, lag_s: float | None) -> None:
        """So many events are not yet published; None: nobody knows."""
        _set(self._outbox_pending, pending)
        _set(self._outbox_lag, lag_s)

    def dead(self, counts: Mapping[str, int] | None) -> None:
        """So many dead letters each queue has; None: nobody knows."""
        self._dead_letters.set_all(counts or {})

    def erasing(self, service: str, pending: int | None) -> None:
        """So many people are still to be erased in a service; None: nobody knows."""
        self._erasures.put(service, pending)

    def dependencies(self, are_up: Mapping[str, bool]) -> None:
        """Which of the servers that the process works on answer."""
        self._dependencies.set_all({name: float(is_up) for name, is_up in are_up.items()})

    def look_failed(self, at: str) -> None:
        """Somebody looked at what waits there, and was not answered."""
        self._failed_looks.labels(at).inc()


class _Queue:
    """How long what is in a queue has waited at the least: a broker shows nobody its oldest message, only those that it
    has handed out."""

    def __init__(self) -> None:
        self._oldest_at = 0.0
        """When the oldest message began to wait that was seen with the last look."""
        self._since: float | None = None
        """Since when some wait and none was taken."""

    def taken(self, now: float) -> None:
        if self._since is not None:
            self._since = now

    def seen(self, count: int, age_s: float, now: float) -> None:
        self._oldest_at = now - max(0.0, age_s)
        if not count:
            self._since = None
        elif self._since is None:
            self._since = now

    def age_s(self, now: float) -> float:
        return 0.0 if self._since is None else now - min(self._oldest_at, self._since)


def _set(gauge: Seen, value: float | None) -> None:
    if value is None:
        gauge.forget()
    else:
        gauge.set(value)
