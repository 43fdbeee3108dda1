"""How many messages wait for a service, as RabbitMQ's management API tells."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

FRESH_S = 0.5
TIMEOUT_S = 5.0
DEAD = ".dead"
DEFAULT_HOST = "%2F"


@dataclass(slots=True)
class Queues:
    """The queues of the default virtual host; `url` names the management API with user and password."""

    url: str
    _depths: dict[str, int] = field(default_factory=dict[str, int])
    _read_at: float = 0.0

    def depth(self, service: str) -> int:
        """Messages in all queues of a service, delivered or not; as last known where the broker does not answer."""
        if time.monotonic() - self._read_at > FRESH_S:
            self._read()
        return sum(
            count for name, count in self._depths.items() if name.startswith(f"{service}.") and not name.endswith(DEAD)
        )

    def is_empty(self, services: Iterable[str]) -> bool:
        """Whether nothing waits for any of these services."""
        return not any(self.depth(service) for service in services)

    def _read(self) -> None:
        parts = urlsplit(self.url)
        try:
            answer = httpx.get(
                f"http://{parts.hostname}:{parts.port}/api/queues/{DEFAULT_HOST}",
                params={"disable_stats": "true", "enable_queue_totals": "true"},
                auth=(parts.username or "", parts.password or ""),
                timeout=TIMEOUT_S,
                trust_env=False,
            ).raise_for_status()
        except httpx.HTTPError:
            return
        self._depths = {queue["name"]: queue.get("messages", 0) for queue in answer.json()}
        self._read_at = time.monotonic()
