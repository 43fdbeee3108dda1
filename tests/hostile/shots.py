"""A hostile input, as data: what is sent over how many connections, and which answers to it are right."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

HOST = b"Host: 127.0.0.1\r\n"
BUSY = frozenset({503})
"""Always right, where it says when to come back."""
CUT = 0
"""The connection ended without an answer."""


@dataclass(frozen=True, kw_only=True)
class Shot:
    """`pieces` are sent with `pause_s` between them, over `connections` at the same time.

    right: the statuses that may be answered. never: what no answer may hold.
    is_left: the attacker hangs up `left_s` after the last piece, and waits for no answer.
    """

    kind: str
    pieces: Sequence[bytes]
    right: frozenset[int] = frozenset()
    pause_s: float = 0.0
    connections: int = 1
    is_left: bool = False
    left_s: float = 0.0
    is_head: bool = False
    never: bytes = b"Traceback"


@dataclass(frozen=True)
class Prey:
    """What attackers aim at: a task that is theirs, and an image in it."""

    task_id: str
    image_id: str


Maker = Callable[[Random, Prey], Shot]
"""Draws one hostile input."""


def request(
    method: str, path: str, *, headers: bytes = b"", body: bytes = b"", kind: str = "application/json"
) -> bytes:
    """A whole request with a true length; the connection ends after its answer."""
    length = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n".encode("latin-1") if body else b""
    return b"".join((head(method, path), length, headers, b"\r\n", body))


def head(method: str, path: str) -> bytes:
    """The beginning of a request, without the line that ends its headers."""
    return f"{method} {path} HTTP/1.1\r\n".encode("latin-1") + HOST + b"Connection: close\r\n"


def one(kind: str, data: bytes, *right: int) -> Shot:
    """A shot of a single piece."""
    return Shot(kind=kind, pieces=(data,), right=frozenset(right))


def json_request(method: str, path: str, content: Any) -> bytes:
    return request(method, path, body=json.dumps(content).encode())
