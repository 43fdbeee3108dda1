"""What the worker counts of its steps."""

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Histogram

from shared.telemetry.metrics import LATENCY_S

Outcome = Literal["done", "failed", "dropped"]


class StepMetrics:
    """Steps by their first operation and by what came of them, and how long they took, storing included."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._steps = Counter(
            "quorate_steps",
            "Steps of pipelines: done; failed, as the picture cannot be worked on; or dropped, as the task was"
            " cancelled.",
            ["operation", "outcome"],
            registry=registry,
        )
        self._seconds = Histogram(
            "quorate_step_seconds",
            "How long steps took, reading and storing included.",
            ["operation"],
            buckets=LATENCY_S,
            registry=registry,
        )

    def stepped(self, operation: str, outcome: Outcome) -> None:
        """One step came to this end."""
        self._steps.labels(operation, outcome).inc()

    def took(self, operation: str, seconds: float) -> None:
        """One step took so long."""
        self._seconds.labels(operation).observe(seconds)
