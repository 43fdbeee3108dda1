"""RabbitMQ from Debian's package, as the current user, with its own epmd."""

import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import httpx

from deploy.local.errors import ServerNotInstalled, ServerNotUp
from deploy.local.process import LongProcess, program
from deploy.local.server_folder import HOST, ServerFolder, write_private

START_S = 120
POLL_S = 0.1
PROBE_S = 5
SCRIPT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""Not Debian's wrapper, which changes to a user that owns other folders."""
AMQP_HELLO = b"AMQP\x00\x00\x09\x01"
METHOD_FRAME = b"\x01"
USER = "quorate"
CONFIG = """\
listeners.tcp.local = 127.0.0.1:{port}
management.tcp.ip = 127.0.0.1
management.tcp.port = {management_port}
default_user = {user}
default_pass = {password}
default_user_tags.administrator = true
default_permissions.configure = .*
default_permissions.read = .*
default_permissions.write = .*
vm_memory_high_watermark.absolute = 1GiB
disk_free_limit.absolute = 200MB
raft.wal_max_size_bytes = 67108864
log.file = node.log
"""
ERLANG_OPTIONS = "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RabbitMQ:
    """One node on loopback with the management API; its data survives a kill."""

    name: ClassVar[str] = "rabbitmq"
    packages: ClassVar[tuple[str, ...]] = ("rabbitmq-server",)
    programs: ClassVar[tuple[str, ...]] = ("rabbitmq-server", "epmd")

    folder: Path
    port: int
    management_port: int
    distribution_port: int
    epmd_port: int
    password: str
    cookie: str

    @classmethod
    def kept_in(cls, path: Path) -> Self:
        """The server of this folder; its ports and secrets are kept there."""
        folder = ServerFolder(path)
        return cls(
            folder=path,
            port=folder.port("amqp"),
            management_port=folder.port("management"),
            distribution_port=folder.port("distribution"),
            epmd_port=folder.port("epmd"),
            password=folder.secret("password"),
            cookie=folder.secret("cookie"),
        )

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port} (management {HOST}:{self.management_port})"

    def environment(self) -> dict[str, str]:
        """The settings of a client."""
        return {
            "QUORATE_AMQP_URL": f"amqp://{USER}:{self.password}@{HOST}:{self.port}/",
            "RABBITMQ_MANAGEMENT_URL": f"http://{USER}:{self.password}@{HOST}:{self.management_port}",
        }

    def start(self) -> None:
        """Start it unless it is up, and wait until it answers. Raises ServerNotUp."""
        if self.is_up():
            return
        if not SCRIPT.exists():
            raise ServerNotInstalled(f"the program {SCRIPT} is not installed")
        self._configure()
        self._epmd.start([program("epmd"), "-port", str(self.epmd_port), "-address", HOST])
        self._node.start([str(SCRIPT), "-noinput"], self._settings())
        deadline = time.monotonic() + START_S
        while not self.is_up():
            if self._node.pid() is None or time.monotonic() > deadline:
                raise ServerNotUp(
                    f"RabbitMQ did not start; see {self._node.log} and {self.folder}/log\n{self._node.tail()}"
                )
            time.sleep(POLL_S)

    def stop(self) -> None:
        """Stop it."""
        self._node.stop()
        self._epmd.stop()

    def kill(self) -> None:
        """Kill it; `start` brings it back with its data."""
        self._node.kill()

    def is_up(self) -> bool:
        """Whether it speaks AMQP and its node answers with our password."""
        return self._speaks_amqp() and self.version() != ""

    def version(self) -> str:
        """The version that the running server reports; empty where it does not answer."""
        try:
            answer = httpx.get(
                f"http://{HOST}:{self.management_port}/api/overview",
                auth=(USER, self.password),
                timeout=PROBE_S,
                trust_env=False,
            )
        except httpx.TransportError:
            return ""
        return f"RabbitMQ {answer.json()['rabbitmq_version']}" if answer.is_success else ""

    @property
    def _node(self) -> LongProcess:
        return LongProcess(folder=self.folder, name="rabbitmq")

    @property
    def _epmd(self) -> LongProcess:
        return LongProcess(folder=self.folder, name="epmd")

    def _speaks_amqp(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=PROBE_S) as connection:
                connection.sendall(AMQP_HELLO)
                return connection.recv(1) == METHOD_FRAME
        except OSError:
            return False

    def _configure(self) -> None:
        for folder in ("home", "data"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
        values = {"port": self.port, "management_port": self.management_port}
        write_private(self._config, CONFIG.format(user=USER, password=self.password, **values))
        write_private(self.folder / "home/.erlang.cookie", self.cookie)
        (self.folder / "enabled_plugins").write_text("[rabbitmq_management].\n")
        (self.folder / "rabbitmq-env.conf").touch()

    @property
    def _config(self) -> Path:
        return self.folder / "rabbitmq.conf"

    def _settings(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder / "home"),
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(self.epmd_port),
            "RABBITMQ_NODENAME": f"quorate-{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self.distribution_port),
            "RABBITMQ_CONFIG_FILE": str(self._config),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "rabbitmq-env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "data/node.pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG_OPTIONS,
            "RUNNING_UNDER_SYSTEMD": "true",  # the script execs the node, so that no shell outlives it
        }
