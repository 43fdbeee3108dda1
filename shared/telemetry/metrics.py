"""Prometheus metrics that every process has: requests, events, outboxes. Services add their own."""

from collections.abc import Callable
from functools import cache
from types import TracebackType
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.metrics import MetricWrapperBase

from shared.telemetry.rates import Durations, Rates

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

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests, self.errors, self.handled = Rates(), Rates(), Rates()
        self.took = Durations()
        self._ages: dict[str, float] = {}
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
        self._queue_messages = by_labels(
            Gauge(
                "quorate_queue_messages", "Messages that wait or are handled here.", ["queue"], registry=self.registry
            )
        )
        self._queue_age = by_labels(
            Gauge(
                "quorate_queue_age_seconds",
                "How old the event was that was taken last; 0 where none waits.",
                ["queue"],
                registry=self.registry,
            )
        )
        self._outbox_pending = Gauge(
            "quorate_outbox_pending", "Events saved and not yet published, up to 1,000.", registry=self.registry
        )
        self._outbox_lag = Gauge("quorate_outbox_lag_seconds", "How old the oldest of them is.", registry=self.registry)
        self.dead_letters = Gauge("quorate_dead_letters", "Dead letters of all queues.", registry=self.registry)

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
        self._queue_age(queue).set(max(0.0, age_s))
        self._ages[queue] = max(0.0, age_s)
        self.handled.count(queue)

    def last_age_s(self, queue: str) -> float:
        """The age of the event that was taken last."""
        return self._ages.get(queue, 0.0)

    def depth(self, queue: str, count: int) -> None:
        """So many messages wait in a queue or are handled here."""
        self._queue_messages(queue).set(count)
        if not count:
            self._queue_age(queue).set(0)

    def outbox(self, pending: int, lag_s: float) -> None:
        """So many events are not yet published."""
        self._outbox_pending.set(pending)
        self._outbox_lag.set(lag_s)
