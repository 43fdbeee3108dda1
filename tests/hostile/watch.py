"""`python -P -m tests.hostile.watch PORT PID FILE`: asks /healthz every 50 ms, until its input ends.

A process of its own, so that nothing of the harness delays it. What the machine delays it sees by a server that is
idle, asked at the same time, and by how long the platform's event loop was ready to run and got no core. One line of
JSON for each answer.
"""

import json
import multiprocessing
import resource
import select
import socket
import socketserver
import sys
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path

EVERY_S = 0.05
PATIENCE_S = 30.0
ASK = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
IDLE_KEPT = 10_000


@dataclass(frozen=True, kw_only=True)
class Probe:
    """An answer of /healthz, and the platform's memory after it.

    idle_s: the longest answer of the idle server meanwhile. unscheduled_s: how long the event loop had to wait for a
    core.
    """

    at: float
    took_s: float
    status: int
    idle_s: float
    unscheduled_s: float
    resident_mib: float

    @property
    def stall_s(self) -> float:
        """What the platform is to be blamed for."""
        return max(0.0, self.took_s - max(self.idle_s, self.unscheduled_s))


def read(file: Path) -> list[Probe]:
    return [Probe(**json.loads(line)) for line in file.read_text().splitlines()]


class _Idle(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(1_000)
        self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


class _IdleProber(threading.Thread):
    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._spans: deque[tuple[float, float]] = deque(maxlen=IDLE_KEPT)

    def run(self) -> None:
        while True:
            began = time.monotonic()
            ask(self._port)
            time.sleep(EVERY_S)
            self._spans.append((began, time.monotonic()))

    def longest_s(self, since: float) -> float:
        """How late the latest answers and timers were that end after this time."""
        recent = [end - begin - EVERY_S for begin, end in tuple(self._spans) if end > since]
        return max([0.0, *recent])


def ask(port: int) -> int:
    """The status; 0 where none came."""
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
            connection.sendall(ASK)
            answer = connection.recv(100)
    except OSError:
        return 0
    return int(answer.split()[1]) if answer.startswith(b"HTTP") else 0


def unscheduled_s(pid: int) -> float:
    """How long the main thread has waited for a core since it began; 0 where the kernel does not tell."""
    try:
        return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def resident_mib(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
    except OSError:  # it has died, which others see
        return 0.0


def main() -> None:
    port, pid, file = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    with socketserver.TCPServer(("127.0.0.1", 0), _Idle) as server:
        multiprocessing.get_context("fork").Process(target=server.serve_forever, daemon=True).start()
    prober = _IdleProber(server.server_address[1])
    prober.start()
    with file.open("w", buffering=1) as out:
        while not select.select([sys.stdin], [], [], EVERY_S)[0]:
            began, waited_s = time.monotonic(), unscheduled_s(pid)
            status = ask(port)
            probe = Probe(
                at=time.time(),
                took_s=time.monotonic() - began,
                status=status,
                idle_s=prober.longest_s(began),
                unscheduled_s=unscheduled_s(pid) - waited_s,
                resident_mib=resident_mib(pid),
            )
            out.write(json.dumps(asdict(probe)) + "\n")


if __name__ == "__main__":
    main()
