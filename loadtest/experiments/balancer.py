"""nginx before fleets whose members come and go."""

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.gateway import Gateway
from deploy.local.platform import SERVICES
from deploy.local.server_folder import HOST, ServerFolder


@dataclass(frozen=True, slots=True)
class Balancer:
    """The gateway of `deploy/`, which takes up new members without a restart.

    host: another address of this machine to listen on besides loopback.
    """

    folder: Path
    host: str | None = None

    @property
    def port(self) -> int:
        return ServerFolder(self.folder).port("gateway")

    @property
    def url(self) -> str:
        return self._gateway({}).url

    def use(self, members: Mapping[str, Sequence[int]]) -> None:
        """Pass requests to these ports from now on. What is under way ends where it began. Raises ServerNotUp."""
        gateway = self._gateway(members)
        gateway.start()  # where it runs already, this only writes its configuration
        self._listen_on_host()
        if pid := gateway.process.pid():
            os.kill(pid, signal.SIGHUP)

    def stop(self) -> None:
        self._gateway({}).stop()

    def _gateway(self, members: Mapping[str, Sequence[int]]) -> Gateway:
        closed = [ServerFolder(self.folder).port("nobody")]  # nginx wants a server for each service
        upstreams = {service: members.get(service) or closed for service in SERVICES}
        return Gateway(folder=self.folder / "gateway", port=self.port, upstreams=upstreams)

    def _listen_on_host(self) -> None:
        if self.host is None:
            return
        path = self.folder / "gateway/quorate.conf"
        loopback = f"listen {HOST}:{self.port};"
        path.write_text(path.read_text().replace(loopback, f"{loopback} listen {self.host}:{self.port};"))
