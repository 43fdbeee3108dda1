"""How many messages wait for a service."""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

from loadtest.broker import Management

FRESH_S = 0.5
DEAD = ".dead"


@dataclass(slots=True)
class Queues:
    """The queues of the default virtual host."""

    management: Management
    _depths: dict[str, int] = field(default_factory=dict[str, int])
    _read_at: float = 0.0

    def depth(self, service: str) -> int:
        """Messages in all queues of a service, delivered or not; as last known where the broker does not answer."""
        if time.monotonic() - self._read_at > FRESH_S:
            with suppress(httpx.HTTPError):
                self._depths, self._read_at = self.management.depths(), time.monotonic()
        return sum(
            count for name, count in self._depths.items() if name.startswith(f"{service}.") and not name.endswith(DEAD)
        )

    def is_empty(self, services: Iterable[str]) -> bool:
        """Whether nothing waits for any of these services."""
        return not any(self.depth(service) for service in services)
