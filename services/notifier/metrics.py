"""What the notifier counts."""

from prometheus_client import CollectorRegistry, Counter

from services.notifier.store import NotifierStore
from shared.telemetry.seen import Seen


class DeliveryMetrics:
    """Tries by what came of them, and the deliveries that wait."""

    def __init__(self, registry: CollectorRegistry, store: NotifierStore) -> None:
        self._store = store
        self._tries = Counter(
            "quorate_webhook_tries", "Tries to deliver, by what came of them.", ["outcome"], registry=registry
        )
        self._waiting = Seen(
            "quorate_webhook_deliveries_waiting", "Deliveries that have not arrived yet, up to 1,000.", registry
        )

    def tried(self, outcome: str) -> None:
        """`delivered` or `failed`."""
        self._tries.labels(outcome).inc()

    async def measure(self) -> None:
        """Set what can only be asked for."""
        with self._waiting.or_none():
            self._waiting.set(await self._store.waiting())
