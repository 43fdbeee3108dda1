"""nginx as the reverse proxy of all services, with the configuration that `deploy/compose` uses too."""

import string
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from deploy.local.errors import ServerNotUp
from deploy.local.packages import need
from deploy.local.process import LongProcess, program
from deploy.local.server_folder import HOST, is_listening

TEMPLATE = Path(__file__).parents[1] / "gateway/quorate.conf.template"
START_S = 10.0
POLL_S = 0.05
MAIN = """daemon off;
pid {folder}/nginx-own.pid;
error_log stderr warn;
worker_processes 1;
events {{ worker_connections 2048; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/quorate.conf;
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A gateway on loopback. `upstreams`: the ports of each service's replicas."""

    packages: ClassVar[tuple[str, ...]] = ("nginx-light",)
    programs: ClassVar[tuple[str, ...]] = ("nginx",)
    folder: Path
    port: int
    upstreams: Mapping[str, Sequence[int]]

    @property
    def process(self) -> LongProcess:
        return LongProcess(folder=self.folder, name="nginx")

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Start it and wait until it listens. Raises ServerNotUp."""
        need(self)
        folder = self.folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        filled = {
            f"{service.upper()}_SERVERS": " ".join(f"server {HOST}:{port} fail_timeout=1s;" for port in ports)
            for service, ports in self.upstreams.items()
        }
        template = string.Template(TEMPLATE.read_text())
        listen = f"{HOST}:{self.port}"
        (folder / "quorate.conf").write_text(template.safe_substitute(filled, GATEWAY_LISTEN=listen))
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
        self.process.start([program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"])
        until = time.monotonic() + START_S
        while not is_listening(self.port):
            if self.process.pid() is None or time.monotonic() > until:
                raise ServerNotUp(f"nginx did not start: {self.process.tail()}")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """Stop it."""
        self.process.stop()
