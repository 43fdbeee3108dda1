"""The detector and its raw engine as processes of their own, within a pod or not."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtest.bench.errors import BenchFailed
from loadtest.bench.platform_process import ROOT, PlatformProcess, data_folder, running
from loadtest.bench_detector.pod import Pod

RAW_S = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A model, the pictures to look at (JPEG files in a folder), and where it runs."""

    model: str
    pictures: Path
    pod: Pod | None = None

    def command(self, module: str, *arguments: str) -> list[str]:
        model = f"QUORATE_MODEL={self.model}"
        command = ["/usr/bin/env", model, sys.executable, "-P", "-m", module, *arguments]
        return command if self.pod is None else self.pod.inside(command)


@contextmanager
def serving(subject: Subject, module: str = "services.detector") -> Iterator[PlatformProcess]:
    """The detector, from its start to its end."""
    with data_folder("detector") as folder, running(folder, subject.command(module)) as process:
        yield process


def raw(subject: Subject, seconds: float) -> dict[str, float]:
    """What the engines do alone: `per_s`, `threads` and `peak_mib`."""
    command = subject.command("probes.detector_speed", str(subject.pictures), "--seconds", str(seconds))
    env = {name: value for name, value in os.environ.items() if not name.startswith("QUORATE_")}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=RAW_S, check=False)
    if done.returncode:
        raise BenchFailed(f"the raw engine failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def peak_mib(process: PlatformProcess) -> float:
    """The most memory that a process has ever had, in MiB (VmHWM)."""
    for line in Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise BenchFailed("the kernel does not say how much memory the detector had")
