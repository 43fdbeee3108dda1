"""Calls of the servers that a process works on: how long they took, and which failed."""

from functools import partial
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram

CALL_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Observed(Protocol):
    """Told by an adapter of each call of its server. Threads may tell."""

    def __call__(self, operation: str, took_s: float, /, *, is_failed: bool) -> None: ...


def unobserved(_operation: str, _took_s: float, *, is_failed: bool) -> None:
    """For an adapter that nobody watches."""


class Calls:
    """Counts calls by server and operation. Operations are few: commands, methods, never keys or names."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["dependency", "operation"]
        self._took = Histogram(
            "quorate_dependency_seconds",
            "How long calls of a server took, those that failed included.",
            labels,
            buckets=CALL_S,
            registry=registry,
        )
        self._failed = Counter(
            "quorate_dependency_errors",
            "Calls of a server that it refused or did not answer in time.",
            labels,
            registry=registry,
        )

    def of(self, dependency: str) -> Observed:
        """What a server's adapter tells."""
        return partial(self._called, dependency)

    def _called(self, dependency: str, operation: str, took_s: float, *, is_failed: bool) -> None:
        self._took.labels(dependency, operation).observe(took_s)
        if is_failed:
            self._failed.labels(dependency, operation).inc()
