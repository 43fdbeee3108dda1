"""What the task manager counts of files and results."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter

from shared.telemetry.metrics import by_labels


class BatchMetrics:
    """Files that came, and results that were recorded."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._images = by_labels(
            Counter(
                "quorate_images",
                "Files of uploads by what became of them: accepted, duplicate, rejected, skipped.",
                ["outcome"],
                registry=registry,
            )
        )
        self._results = by_labels(
            Counter(
                "quorate_results", "Results that arrived, those that came again included.", ["state"], registry=registry
            )
        )

    def files(self, outcomes: Iterable[str]) -> None:
        """An upload was answered."""
        for outcome in outcomes:
            self._images(outcome).inc()

    def result(self, state: str) -> None:
        self._results(state).inc()
