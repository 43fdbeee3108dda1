"""What the task manager counts of tasks, uploads, files and results."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge

from services.task_manager.store import TaskStore
from shared.shares import Shares
from shared.telemetry.metrics import by_labels
from shared.telemetry.seen import Seen


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

        self._tasks = Seen(
            "quorate_tasks",
            "Tasks that are open, those that are sealed, and cancelled ones that are still to be erased, up to"
            " 10,000 of each.",
            registry,
            label="state",
        )
        self._under_way = Gauge("quorate_uploads_under_way", "Uploads that this process takes now.", registry=registry)
        self._limit = Gauge("quorate_uploads_limit", "Uploads that it takes at a time.", registry=registry)

    async def look(self, store: TaskStore) -> None:
        """Set the gauge of tasks."""
        with self._tasks.or_none():
            self._tasks.set_all(await store.standing())

    def uploads(self, places: Shares) -> None:
        """Uploads have these places."""
        self._under_way.set_function(lambda: places.held)
        self._limit.set(places.held + places.free)

    def files(self, outcomes: Iterable[str]) -> None:
        """An upload was answered."""
        for outcome in outcomes:
            self._images(outcome).inc()

    def result(self, state: str) -> None:
        self._results(state).inc()
