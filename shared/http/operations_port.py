"""The port for those who run the platform, beside the one for everybody: it has connections of its own, which nobody
else can use up."""

import socket
from dataclasses import replace
from typing import Any

import uvicorn
from fastapi import FastAPI

from shared.http.connections import Connection, Connections, WireLimits
from shared.http.listener import Listener

MAX_CONNECTIONS = 64


class OperationsPort:
    """Serves an app on a socket, from `open` to `close`, within the loop and the ticks of the main server."""

    def __init__(self, app: FastAPI, listening: socket.socket, limits: WireLimits, options: dict[str, Any]) -> None:
        self._config = uvicorn.Config(app, lifespan="off", **options)
        self._config.load()
        self._connections = Connections(replace(limits, max_connections=MAX_CONNECTIONS, trusted_proxies=0))
        self._listening = listening
        self._listener: Listener | None = None

    @property
    def port(self) -> int:
        return self._listening.getsockname()[1]

    def open(self) -> None:
        self._listener = Listener(self._listening, self._connections, self._connection)

    def tick(self, now: float, default_headers: list[tuple[bytes, bytes]]) -> None:
        """What the main server does every tenth of a second, for these connections."""
        self._connections.default_headers = default_headers
        self._connections.end_stalled(now)

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
        for connection in tuple(self._connections.connections):
            connection.shutdown()

    def _connection(self) -> Connection:
        return Connection(self._config, self._connections, {})
