"""The platform as a process of its own, which can be killed and started again on the same port and folder."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

REPOSITORY = Path(__file__).parents[2]
READY = "Quorate is ready"
START_S = 30.0
STOP_S = 20.0
PORTS = range(20_000, 32_000)
"""Below the ports that clients are given: a client that calls a closed port of those may be connected to itself."""


class PlatformProcess:
    """`python -P -m embedded` in a folder. `settings` are environment variables without their prefix."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.starts = 0
        self._stdout, self._stderr = folder / "stdout.log", folder / "stderr.log"
        self._settings = {"port": self.port, "data_dir": self.data_dir, "log_level": "warning"} | settings
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def pid(self) -> int:
        assert self._process is not None, "the platform is not running"
        return self._process.pid

    def launch(self) -> None:
        """Start the process without waiting for it."""
        assert self._process is None, "the platform runs already"
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("QUORATE_")}
        environment |= {f"QUORATE_{name.upper()}": str(value) for name, value in self._settings.items()}
        with self._stdout.open("wb") as stdout, self._stderr.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "embedded"],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=environment,
                cwd=REPOSITORY,
            )
        self.starts += 1

    def wait_until_ready(self) -> None:
        end = time.monotonic() + START_S
        while READY not in self._stdout.read_text():
            assert self._process is not None
            status = self._process.poll()
            assert status is None, f"the platform ended with {status} while it started\n{self.log_tail()}"
            assert time.monotonic() < end, f"the platform was not ready after {START_S:.0f} s\n{self.log_tail()}"
            time.sleep(0.01)

    def start(self) -> None:
        self.launch()
        self.wait_until_ready()

    def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is said."""
        process, self._process = self._process, None
        assert process is not None, "the platform is not running"
        assert process.poll() is None, f"the platform ended by itself with {process.returncode}\n{self.log_tail()}"
        process.kill()
        process.wait()

    def stop(self) -> int:
        """SIGTERM; returns the exit status once it has ended."""
        process, self._process = self._process, None
        assert process is not None, "the platform is not running"
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the platform did not end {STOP_S:.0f} s after SIGTERM\n{self.log_tail()}") from None

    def end(self) -> None:
        """However it is, it is gone afterwards."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_S)
            process.kill()
        if process is not None:
            process.wait()

    def log_tail(self, lines: int = 40) -> str:
        text = self._stderr.read_text(errors="replace") if self._stderr.exists() else ""
        return f"--- the last lines of {self._stderr}\n" + "\n".join(text.splitlines()[-lines:])

    def errors(self) -> list[str]:
        """What it logged as an error."""
        text = self._stderr.read_text(errors="replace") if self._stderr.exists() else ""
        return [line for line in text.splitlines() if '"level": "error"' in line or '"level": "critical"' in line]

    def peak_rss_bytes(self) -> int:
        """The most memory the process has held so far."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def free_port() -> int:
    """A port nobody listens on and no client is given, so that it is still ours when the platform was killed."""
    candidates = random.SystemRandom().sample(PORTS, 50)
    for port in candidates:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")
