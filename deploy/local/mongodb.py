"""nx-27017 from PyPI, which speaks MongoDB's protocol and keeps each database in a SQLite file. It is no mongod."""

import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Self

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from deploy.local.errors import ServerNotUp
from deploy.local.process import LongProcess
from deploy.local.server_folder import HOST, ServerFolder

START_S = 60
POLL_S = 0.1
PROBE_S = 5
PACKAGE = "nx-27017"
RUN = "import logging, sys; from nx_27017.nx_27017 import main; logging.disable(logging.INFO); sys.exit(main())"
"""Otherwise it logs every command."""
OPTIONS = "directConnection=true&retryWrites=false"
"""It is no replica set, and keeps no transaction numbers, which retried writes need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mongodb:
    """A server on loopback; acknowledged writes survive a kill."""

    name: ClassVar[str] = "mongodb"
    packages: ClassVar[tuple[str, ...]] = ()
    programs: ClassVar[tuple[str, ...]] = ()

    folder: Path
    port: int

    @classmethod
    def kept_in(cls, path: Path) -> Self:
        """The server of this folder; its port is kept there."""
        return cls(folder=path, port=ServerFolder(path).port("mongodb"))

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def environment(self) -> dict[str, str]:
        """The settings of a client."""
        return {"QUORATE_MONGO_URL": f"mongodb://{HOST}:{self.port}/?{OPTIONS}"}

    def start(self) -> None:
        """Start it unless it is up, and wait until it answers. Raises ServerNotUp."""
        if self.is_up():
            return
        data, pid_file = self.folder / "data", self.folder / "nx-27017-own.pid"
        if self._process.pid() is None:  # a stale pid file of another process would keep it from starting
            pid_file.unlink(missing_ok=True)
        where = ["--data-dir", str(data), "--host", HOST, "--port", str(self.port), "--pid-file", str(pid_file)]
        command = [sys.executable, "-P", "-c", RUN, *where, "--journal-mode", "WAL", "--log-file", "/dev/null"]
        self._process.start(command)
        deadline = time.monotonic() + START_S
        while not self.is_up():
            if self._process.pid() is None or time.monotonic() > deadline:
                raise ServerNotUp(f"nx-27017 did not start; see {self._process.log}\n{self._process.tail()}")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """Stop it."""
        self._process.stop()

    def kill(self) -> None:
        """Kill it; `start` brings it back with its data."""
        self._process.kill()

    def is_up(self) -> bool:
        """Whether our process runs and answers a ping, which another server on the port would answer too."""
        if self._process.pid() is None:
            return False
        url = self.environment()["QUORATE_MONGO_URL"]
        with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=300, socketTimeoutMS=PROBE_S * 1000) as client:
            try:
                return client.admin.command("ping")["ok"] == 1
            except PyMongoError:
                return False

    def version(self) -> str:
        """The installed version."""
        return f"{PACKAGE} {version(PACKAGE)}"

    @property
    def _process(self) -> LongProcess:
        return LongProcess(folder=self.folder, name=PACKAGE)
