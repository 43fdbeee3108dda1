"""The platform as a process of its own, and what the kernel knows about it."""

import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtest.bench.errors import BenchFailed

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"
READY = "Quorate is ready on "
READY_S = 30
STOP_S = 20
SEED_S = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformProcess:
    """A platform that answers on `port` of this machine."""

    pid: int
    port: int
    data_dir: Path

    def cpu_s(self) -> float:
        """Processor seconds that it has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self) -> float:
        """Memory of its own, and its share of what it shares (PSS)."""
        for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
        raise BenchFailed("the kernel does not say how much memory the platform uses")


def machine_cpu_s() -> float:
    """Processor seconds that the whole machine has worked so far."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    user, nice, system, _idle, _waiting, irq, softirq, _stolen = map(int, fields)
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


@contextmanager
def data_folder(name: str) -> Iterator[Path]:
    """A folder on the disk of the checkout, removed at the end."""
    BUILD.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"bench-{name}-", dir=BUILD))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(data_dir: Path, command: Sequence[str] = ()) -> Iterator[PlatformProcess]:
    """Start the platform, wait until it is ready, and end it at the end."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("QUORATE_")}
    env |= {"QUORATE_PORT": "0", "QUORATE_DATA_DIR": str(data_dir)}
    log_path = data_dir.with_name(data_dir.name + ".log")
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command or [sys.executable, "-P", "-m", "embedded"],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            yield PlatformProcess(pid=process.pid, port=_port(process, log_path), data_dir=data_dir)
            if process.poll() is not None:
                raise BenchFailed(f"the platform ended with {process.returncode}: {_tail(log_path)}")
        finally:
            _end(process)
            log_path.unlink(missing_ok=True)


def seed(data_dir: Path, *options: str) -> str:
    """Fill a data folder by `probes.seed`; returns the task's id."""
    command = [sys.executable, "-P", "-m", "probes.seed", "--data-dir", str(data_dir), *options]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SEED_S, check=False)
    if done.returncode:
        raise BenchFailed(f"seeding failed: {done.stderr[-2000:]}")
    print(f"  seeded {' '.join(options)} in {time.perf_counter() - began:.1f} s", flush=True)
    return done.stdout.split()[-1]


def _port(process: "subprocess.Popen[str]", log_path: Path) -> int:
    lines: queue.Queue[str] = queue.Queue()
    assert process.stdout is not None  # noqa: S101 - it was asked for
    threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
    deadline = time.monotonic() + READY_S
    while (left := deadline - time.monotonic()) > 0:
        try:
            line = lines.get(timeout=left)
        except queue.Empty:
            break
        if line.startswith(READY):
            return int(line.strip().rpartition(":")[2])
        if not line:
            break
    raise BenchFailed(f"the platform did not get ready: {_tail(log_path)}")


def _read(stream: Iterator[str], lines: "queue.Queue[str]") -> None:
    for line in stream:
        lines.put(line)
    lines.put("")


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _tail(log_path: Path) -> str:
    return log_path.read_text(encoding="utf-8", errors="replace")[-2000:]
