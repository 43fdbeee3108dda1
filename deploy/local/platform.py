"""The distributed platform on this machine: replicas of the services as processes, and a gateway before them."""

import http.client
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.errors import ServerNotUp
from deploy.local.gateway import Gateway
from deploy.local.process import LongProcess
from deploy.local.server_folder import HOST, ServerFolder

SERVICES = ("task_manager", "subtask_manager", "worker", "notifier", "consensus", "detector", "accounts")
START_S = 60.0
POLL_S = 0.1
OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One process of a service."""

    service: str
    folder: Path
    name: str
    port: int
    environment: Mapping[str, str]

    @property
    def process(self) -> LongProcess:
        return LongProcess(folder=self.folder, name=self.name)

    def start(self) -> None:
        """Start it; `await_ready` waits until it answers."""
        told = {"QUORATE_HOST": HOST, "QUORATE_PORT": str(self.port), "QUORATE_LOG_LEVEL": "warning"}
        home = {"HOME": os.environ.get("HOME", "/nonexistent")}
        command = [sys.executable, "-P", "-m", f"services.{self.service}"]
        self.process.start(command, home | dict(self.environment) | told)

    def is_ready(self) -> bool:
        """Whether it and all that it depends on answer."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=3)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def await_ready(self) -> None:
        """Raises ServerNotUp where it does not become ready."""
        until = time.monotonic() + START_S
        while not self.is_ready():
            if self.process.pid() is None or time.monotonic() > until:
                raise ServerNotUp(f"{self.name} did not become ready:\n{self.process.tail()}")
            time.sleep(POLL_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """`replicas` of each service in a folder, on the servers that `environment` names.

    workers: how many there are of the worker, where they are to be others.

    Without a model there is no detector, and without authentication no accounts: then the gateway has none to pass
    requests to.
    """

    folder: Path
    environment: Mapping[str, str]
    replicas: int = 2
    workers: int | None = None
    model: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict[str, str])

    def members(self) -> list[Replica]:
        """Every process of the services, running or not."""
        return [self._replica(service, number) for service in self._services() for number in self._numbers(service)]

    def gateway(self) -> Gateway:
        """The reverse proxy that clients talk to."""
        ports = {
            service: [self._replica(service, number).port for number in self._numbers(service)] for service in SERVICES
        }
        folder = self.folder / "gateway"
        return Gateway(folder=folder, port=ServerFolder(self.folder).port("gateway"), upstreams=ports)

    def start(self) -> str:
        """Start everything and wait until it is ready; returns the URL of the gateway. Raises ServerNotUp."""
        members = self.members()
        for member in members:
            member.start()
        for member in members:
            member.await_ready()
        gateway = self.gateway()
        gateway.start()
        return gateway.url

    def stop(self) -> None:
        """Stop the gateway, then the services."""
        self.gateway().stop()
        for member in self.members():
            member.process.stop()

    def _numbers(self, service: str) -> range:
        return range(self.replicas if self.workers is None or service != "worker" else self.workers)

    def _services(self) -> list[str]:
        absent = {"detector": self.model is None, "accounts": self.settings.get("QUORATE_AUTH") != "on"}
        return [service for service in SERVICES if not absent.get(service)]

    def _replica(self, service: str, number: int) -> Replica:
        model = {"QUORATE_MODEL": str(self.model.absolute())} if self.model and service == "detector" else {}
        name = f"{service}_{number}"
        return Replica(
            service=service,
            folder=self.folder,
            name=name,
            port=ServerFolder(self.folder).port(name),
            environment={**self.environment, "QUORATE_TRUSTED_PROXIES": "1", **self.settings, **model},
        )
