"""The platform as a process, and raw connections to it, for what no HTTP client would send."""

import contextlib
import http.client
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx

from loadtest.platform_process import PlatformProcess


class Server(PlatformProcess):
    """A platform, and what no HTTP client would send to it."""

    @property
    def address(self) -> tuple[str, int]:
        url = httpx.URL(self.url)
        return url.host, url.port or 80

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(self.address, timeout=30, source_address=(source, 0))

    def exchange(self, head: str, body: Iterable[bytes] = (), *, source: str = "127.0.0.1") -> httpx.Response:
        """Send a request exactly as it is written here; the answer may come before the body is sent."""
        with self.connect(source) as connection:
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

    def open_files(self) -> list[str]:
        """What its file descriptors stand for."""
        found = []
        for descriptor in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.append(str(descriptor.readlink()))
        return found

    def temporary_files(self) -> list[str]:
        """Files in the folders for work under way, files without a name included."""
        folders = [self.data_dir / "spool", self.data_dir / "incoming"]
        lying = [str(path) for folder in folders for path in folder.iterdir()] + self.open_files()
        return [path for path in lying if path.startswith(tuple(map(str, folders)))]


def chunked(pieces: Iterable[bytes], *, is_ended: bool = True) -> Iterator[bytes]:
    """A body in chunks."""
    for piece in pieces:
        yield f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    if is_ended:
        yield b"0\r\n\r\n"
