"""The platform as a process, and raw connections to it, for what no HTTP client would send."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

READY = "Quorate is ready on "
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Server:
    """A platform that answers at `url` and keeps its data in `folder`."""

    url: str
    folder: Path
    process: "subprocess.Popen[str]"

    @property
    def address(self) -> tuple[str, int]:
        url = httpx.URL(self.url)
        return url.host, url.port or 80

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=30)

    def exchange(self, head: str, body: Iterable[bytes] = ()) -> httpx.Response:
        """Send a request exactly as it is written here; the answer may come before the body is sent."""
        with self.connect() as connection:
            connection.sendall(head.replace("\n", "\r\n").encode("latin-1"))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for piece in body:
                    connection.sendall(piece)
            answer = http.client.HTTPResponse(connection, method=head.partition(" ")[0])
            answer.begin()
            target = head.split(" ")[1]
            path = "/" if "%" in target else target
            return httpx.Response(
                answer.status,
                headers=answer.getheaders(),
                content=answer.read(),
                request=httpx.Request(head.partition(" ")[0], f"http://x{path}"),
            )

    def temporary_files(self) -> list[str]:
        """Files in the folders for work under way, files without a name included."""
        folders = [self.folder / "spool", self.folder / "incoming"]
        lying = [str(path) for folder in folders for path in folder.iterdir()]
        for descriptor in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                lying.append(str(descriptor.readlink()))
        return [path for path in lying if path.startswith(tuple(map(str, folders)))]


def chunked(pieces: Iterable[bytes], *, is_ended: bool = True) -> Iterator[bytes]:
    """A body in chunks."""
    for piece in pieces:
        yield f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    if is_ended:
        yield b"0\r\n\r\n"


@contextlib.contextmanager
def serving(folder: Path, **environment: str) -> Iterator[Server]:
    """`python -P -m embedded` on a free port, ended by its process id."""
    settings = {"QUORATE_PORT": "0", "QUORATE_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("QUORATE_")}
    command = [sys.executable, "-P", "-m", "embedded"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean | settings | environment)
    try:
        yield Server(url=ready_url(process), folder=folder, process=process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def ready_url(process: "subprocess.Popen[str]") -> str:
    """Where a process that is starting will answer, from its standard output."""
    for line in process.stdout:
        if line.startswith(READY):
            return line.removeprefix(READY).strip()
    raise AssertionError("the platform ended before it was ready")
