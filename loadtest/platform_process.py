"""A service as a process of its own: started, killed, started again on the same port, and asked what it uses."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol, Self

from loadtest.command import BUILD, ROOT
from loadtest.errors import MeasurementFailed, PlatformFailed

EMBEDDED = (sys.executable, "-P", "-m", "embedded")
DETECTOR = (sys.executable, "-P", "-m", "services.detector")
READY = "Quorate is ready"
START_S, STOP_S = 60.0, 20.0
POLL_S = 0.002
SEED_S, SEED_EACH_S = 120.0, 0.001
"""How long seeding may take at all, and for each subtask: as long as on two cores that many others use too."""
PORTS = range(20_000, 32_000)
"""Below the ports that clients are given: a client that calls a closed port of those may be connected to itself."""


class Measured(Protocol):
    """What serves, in however many processes."""

    @property
    def port(self) -> int: ...

    def cpu_s(self) -> float:
        """Processor seconds that it has used so far."""
        ...


class PlatformProcess:
    """The embedded platform, or what `command` starts instead, with its data and logs in a folder.

    `settings` are environment variables without their prefix.
    """

    def __init__(
        self, folder: Path, *, command: Sequence[str] = EMBEDDED, host: str = "127.0.0.1", **settings: object
    ) -> None:
        self.folder = folder = folder.absolute()
        self.data_dir = Path(str(settings.get("data_dir", folder / "data")))
        self.port = free_port()
        self.url = f"http://{host}:{self.port}"
        self.starts = 0
        self.command = command
        self._said, self._log = folder / "stdout.log", folder / "stderr.log"
        self._settings = {"host": host, "port": self.port, "data_dir": self.data_dir, "log_level": "warning"} | settings
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Raises PlatformFailed where it had ended by itself."""
        has_died = self.has_died()
        self.end()
        if has_died and kind is None:
            raise PlatformFailed(f"the platform ended by itself\n{self.log_tail()}")

    @property
    def pid(self) -> int:
        return self._running().pid

    def launch(self, more: Mapping[str, str] | None = None) -> None:
        """Start the process without waiting for it; `more`: environment variables by their full names."""
        assert self._process is None, "the platform runs already"  # noqa: S101 - a mistake of the caller
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("QUORATE_")}
        environment.update({f"QUORATE_{name.upper()}": str(value) for name, value in self._settings.items()})
        environment.update(more or {})
        with self._said.open("wb") as stdout, self._log.open("ab") as stderr:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=environment,
                cwd=ROOT,
                start_new_session=True,  # Ctrl-C is for the caller, who then ends the platform in order
            )
        self.starts += 1

    def wait_until_ready(self) -> None:
        """Raises PlatformFailed."""
        end = time.monotonic() + START_S
        while not self.is_ready():
            if self.has_died() or time.monotonic() > end:
                raise PlatformFailed(f"the platform did not start:\n{self.log_tail(20)}")
            time.sleep(POLL_S)

    def start(self) -> None:
        self.launch()
        self.wait_until_ready()

    def is_ready(self) -> bool:
        return READY in self._said.read_text()

    def is_started(self) -> bool:
        return self._process is not None

    def has_died(self) -> bool:
        """Whether it ended by itself; then it can be started again."""
        if self._process is None or self._process.poll() is None:
            return False
        self._process = None
        return True

    def kill(self) -> None:
        """Send SIGKILL. Raises PlatformFailed where the platform has ended by itself."""
        process, self._process = self._running(), None
        if process.poll() is not None:
            raise PlatformFailed(f"the platform ended by itself with {process.returncode}\n{self.log_tail()}")
        process.kill()
        process.wait()

    def stop(self) -> int:
        """SIGTERM; returns the exit status once it has ended. Raises PlatformFailed where it does not."""
        process, self._process = self._running(), None
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise PlatformFailed(f"the platform did not end {STOP_S:.0f} s after SIGTERM\n{self.log_tail()}") from None

    def end(self) -> None:
        """Stop it, or kill it where it does not stop; do nothing where it is down."""
        if self._process is not None:
            with suppress(PlatformFailed):
                self.stop()

    def log_tail(self, lines: int = 40) -> str:
        return "\n".join(self._logged()[-lines:])

    def errors(self) -> list[str]:
        """What it logged as an error."""
        return [line for line in self._logged() if '"level": "error"' in line or '"level": "critical"' in line]

    def cpu_s(self) -> float:
        """Processor seconds that it has used so far, in hundredths."""
        return process_cpu_s(self.pid)

    def memory_mib(self) -> float:
        """Memory of its own, and its share of what it shares (PSS)."""
        return self._kib("smaps_rollup", "Pss:") / 1024

    def resident_mib(self) -> float:
        """Memory of its own and all that it shares (RSS)."""
        return self._kib("status", "VmRSS:") / 1024

    def peak_mib(self) -> float:
        """The most memory that it had since its start or the last `forget_peak`."""
        return self._kib("status", "VmHWM:") / 1024

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")

    def _kib(self, file: str, entry: str) -> int:
        for line in Path(f"/proc/{self.pid}/{file}").read_text(encoding="ascii").splitlines():
            if line.startswith(entry):
                return int(line.split()[1])
        raise MeasurementFailed(f"the kernel does not tell {entry} of the platform")

    def _logged(self) -> list[str]:
        return self._log.read_text(encoding="utf-8", errors="replace").splitlines() if self._log.exists() else []

    def _running(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None, "the platform is not running"  # noqa: S101 - a mistake of the caller
        return self._process


def process_cpu_s(pid: int) -> float:
    """Processor seconds that a process has used so far, in hundredths."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def threads_cpu_s(pid: int) -> float:
    """Processor seconds that a process's present threads have used, to the nanosecond."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text(encoding="ascii").split()[0]) for thread in threads) / 1e9


def machine_cpu_s() -> float:
    """Processor seconds that the whole machine has worked so far."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    user, nice, system, _idle, _waiting, irq, softirq, _stolen = map(int, fields)
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


@contextmanager
def working_folder(name: str) -> Iterator[Path]:
    """A folder on the disk of the checkout, removed at the end."""
    BUILD.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=BUILD))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def seed(data_dir: Path, count: int, *options: str) -> str:
    """Fill a data folder with a task of so many subtasks by `probes.seed`; returns the task's id.

    Without other options they are open, and take 100 votes each. Raises MeasurementFailed.
    """
    what = options or ("--open", str(count))
    command = [sys.executable, "-P", "-m", "probes.seed", "--data-dir", str(data_dir), *what]
    began = time.perf_counter()
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=SEED_S + count * SEED_EACH_S, check=False
        )
    except subprocess.TimeoutExpired as late:
        raise MeasurementFailed(f"seeding took more than {late.timeout:.0f} s") from None
    if done.returncode:
        raise MeasurementFailed(f"seeding failed: {done.stderr[-2000:]}")
    print(f"  seeded {' '.join(what)} in {time.perf_counter() - began:.1f} s", flush=True)
    return done.stdout.split()[-1]


def free_port() -> int:
    """A port that is free and that no client is given, so that it is still free when the platform was killed."""
    for port in random.SystemRandom().sample(PORTS, 50):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise PlatformFailed("no port is free")
