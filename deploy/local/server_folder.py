"""The folder of one server, which keeps the ports and secrets that were once chosen for it."""

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
PORTS = range(20000, 32000)
"""Below the ports that the kernel gives to outgoing connections, so that a kept port is free at the next start."""
SECRET_BYTES = 24


@dataclass(frozen=True, slots=True)
class ServerFolder:
    """A folder that only its owner may read."""

    path: Path

    def port(self, name: str) -> int:
        """A port that was free at the first call; later calls return the same."""
        return int(self._kept(f"{name}_port", lambda taken: str(_free_port(taken))))

    def secret(self, name: str) -> str:
        """Random text that needs no escaping in a URL; later calls return the same."""
        return self._kept(name, lambda _taken: secrets.token_hex(SECRET_BYTES))

    def _kept(self, name: str, choose: Callable[[set[str]], str]) -> str:
        with locked(self.path, "kept"):
            path = self.path / "kept.json"
            kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
            if name not in kept:
                kept[name] = choose(set(kept.values()))
                write_private(path, json.dumps(kept, indent=1))
            return kept[name]


@contextmanager
def locked(folder: Path, what: str) -> Iterator[None]:
    """Only one thread of one process at a time does `what` in this folder."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / f"{what}.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_private(path: Path, text: str) -> None:
    """Replace a file at once by one that only its owner can read."""
    made = path.with_name(path.name + ".new")
    made.unlink(missing_ok=True)
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    made.rename(path)


def is_listening(port: int) -> bool:
    """Whether anything takes connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def _free_port(taken: set[str]) -> int:
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        if str(port) not in taken:
            return port
