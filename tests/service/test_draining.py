"""A service that is told to stop lets proxies go on with the connections that they have for a while."""

import contextlib
import http.client
import os
import signal
import time
from pathlib import Path

from tests.service.processes import Server

LONGEST_S = 60.0
"""A bound for a busy machine: it drains as long, and ends as soon as the last connection has."""


def takes_more(server: Server) -> bool:
    try:
        server.connect().close()
    except ConnectionRefusedError:
        return False
    return True


def test_each_open_connection_may_bring_one_more_request(tmp_path: Path):
    with Server(tmp_path, drain_s=f"{LONGEST_S:g}") as server, contextlib.ExitStack() as stack:
        opened = [http.client.HTTPConnection(*server.address, timeout=LONGEST_S) for _ in range(2)]
        for connection in opened:
            stack.callback(connection.close)
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            assert (answer.status, answer.read(), answer.getheader("Connection")) == (200, b'{"status":"ok"}', None)
        os.kill(server.pid, signal.SIGTERM)
        until = time.monotonic() + LONGEST_S
        while takes_more(server):
            assert time.monotonic() < until
        for connection in opened:
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            assert (answer.status, answer.getheader("Connection")) == (200, "close")
            answer.read()
        assert server.stop() in (0, -signal.SIGTERM)
