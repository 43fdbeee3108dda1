"""Cold start, idle memory, and how much an installation weighs."""

import http.client
import re
import time
from importlib import metadata
from pathlib import Path

from loadtest.command import ROOT
from loadtest.errors import MeasurementFailed
from loadtest.measures import Numbers, median
from loadtest.platform_process import PlatformProcess, working_folder

RUNS = 5
IDLE_S = 3.0
PACKAGES = ("services", "shared", "embedded", "quorate")
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


def measure() -> Numbers:
    starts = [_start() for _ in range(RUNS)]
    return {
        "cold_start_s": median([seconds for seconds, _ in starts]),
        "idle_mib": median([mib for _, mib in starts]),
        "install_mb": install_mb(),
    }


def install_mb() -> float:
    """Megabytes of the files that the lock for serving installs, and of the project's own."""
    locked = (ROOT / "requirements" / "server.txt").read_text(encoding="utf-8")
    files: set[Path] = set()
    for name in _PINNED.findall(locked):
        try:
            files.update(Path(str(file.locate())) for file in metadata.distribution(name).files or [])
        except metadata.PackageNotFoundError:  # locked for another platform
            continue
    for package in PACKAGES:
        files.update(path for path in (ROOT / package).rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files if path.is_file()) / 1e6


def _start() -> tuple[float, float]:
    with working_folder("bench-start") as folder:
        platform = PlatformProcess(folder, log_level="info")
        quorate = [str(ROOT / ".venv/bin/quorate"), "serve", "--port", str(platform.port)]
        platform.command = [*quorate, "--data-dir", str(platform.data_dir)]
        began = time.perf_counter()
        with platform:
            connection = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=10)
            connection.request("GET", "/api/tasks")
            answer = connection.getresponse()
            answer.read()
            seconds = time.perf_counter() - began
            connection.close()
            if answer.status != 200:
                raise MeasurementFailed(f"the first answer was {answer.status}")
            time.sleep(IDLE_S)
            return seconds, platform.memory_mib()
