"""RabbitMQ's management API."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import httpx

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Management:
    """`url` names the API with user and password. Raises httpx.HTTPError."""

    url: str

    def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        parts = urlsplit(self.url)
        return httpx.request(
            method,
            f"http://{parts.hostname}:{parts.port}/api/{path}",
            auth=(parts.username or "", parts.password or ""),
            json=body,
            timeout=TIMEOUT_S,
            trust_env=False,
        ).raise_for_status()

    def depths(self, vhost: str = "/") -> dict[str, int]:
        """Messages in each queue of a virtual host, delivered or not."""
        found = self.ask("GET", f"queues/{quote(vhost, safe='')}?disable_stats=true&enable_queue_totals=true")
        return {queue["name"]: queue.get("messages", 0) for queue in found.json()}

    @contextmanager
    def virtual_host(self, name: str, amqp_url: str) -> Iterator[str]:
        """A virtual host, removed at the end; yields the URL to connect to it."""
        self.ask("PUT", f"vhosts/{name}")
        try:
            yield urlsplit(amqp_url)._replace(path=f"/{name}").geturl()
        finally:
            self.ask("DELETE", f"vhosts/{name}")
