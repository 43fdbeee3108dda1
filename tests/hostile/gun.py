"""Sends a shot over raw sockets, and reads what comes back."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

from tests.hostile.shots import CUT, Shot

PATIENCE_S = 60.0
"""Longer than any time-out of the platform's."""
STUCK = -1
"""No answer, and no end of the connection."""
SHOWN = 300


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def fault(self) -> str:
        """What is wrong with a refusal, whatever it is for; empty where nothing is."""
        if self.status < 400 or not self.body:
            return ""
        if self.headers.get("content-type") != "application/problem+json":
            return f"is not problem+json but {self.headers.get('content-type')}"
        if json.loads(self.body)["status"] != self.status:
            return "tells another status in its body"
        if self.status == 503 and "retry-after" not in self.headers:
            return "says not when to come back"
        return ""

    def shown(self) -> str:
        return f"{self.status} {self.body[:SHOWN].decode('latin-1')}"


def fire(shot: Shot, port: int) -> list[Answer]:
    """The answers on all its connections; none where the attacker hangs up."""
    with ExitStack() as stack:
        connections = [stack.enter_context(opened) for opened in _open(shot.connections, port)]
        for piece in shot.pieces:
            for connection in connections:
                with suppress(OSError):  # it was answered before it was sent
                    connection.sendall(piece)
            time.sleep(shot.pause_s)
        if shot.is_left:
            time.sleep(shot.left_s)
            return []
        deadline = time.monotonic() + PATIENCE_S
        return [_answer(connection, deadline, is_head=shot.is_head) for connection in connections]


def _open(count: int, port: int) -> Iterator[socket.socket]:
    for _ in range(count):
        with suppress(OSError):
            connection = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
            connection.settimeout(PATIENCE_S)
            yield connection


def _answer(connection: socket.socket, deadline: float, *, is_head: bool) -> Answer:
    connection.settimeout(max(0.1, deadline - time.monotonic()))
    response = http.client.HTTPResponse(connection, method="HEAD" if is_head else None)
    try:
        response.begin()
        body = response.read()
    except TimeoutError:
        return Answer(STUCK)
    except (http.client.HTTPException, OSError):
        return Answer(CUT)
    finally:
        response.close()
    return Answer(response.status, body, {name.lower(): value for name, value in response.getheaders()})
