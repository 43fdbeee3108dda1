"""The detector as a process of its own, ended by its process id."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.service.processes import ROOT, ready_url

ASSETS = ROOT.parent / "shared/assets"
COMMAND = [sys.executable, "-P", "-m", "services.detector"]


@dataclass(frozen=True, kw_only=True)
class Detector:
    """A detector that answers at `url`."""

    url: str
    pid: int

    def peak_mib(self) -> float:
        """The most memory it had since the start or the last `forget_peak`, in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:"))

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")


def environment(**settings: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("QUORATE_")}
    return clean | {"QUORATE_PORT": "0", "PYTHONPATH": str(ROOT)} | settings


@contextlib.contextmanager
def detecting(model: Path, **settings: str) -> Iterator[Detector]:
    """`python -P -m services.detector` on a free port."""
    env = environment(QUORATE_MODEL=str(model), **settings)
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True, env=env)
    try:
        yield Detector(url=ready_url(process), pid=process.pid)
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
