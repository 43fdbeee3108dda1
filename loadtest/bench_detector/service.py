"""The detector and its raw engine as processes of their own, within a small pod or not."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtest.cgroups import Cgroup
from loadtest.command import ROOT
from loadtest.errors import MeasurementFailed
from loadtest.platform_process import PlatformProcess, working_folder

RAW_S = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A model, the pictures to look at (JPEG files in a folder), and the control group it runs in, if in any."""

    model: str
    pictures: Path
    pod: Cgroup | None = None

    def command(self, module: str, *arguments: str) -> list[str]:
        command = [sys.executable, "-P", "-m", module, *arguments]
        return command if self.pod is None else self.pod.inside(command)


@contextmanager
def serving(subject: Subject, module: str = "services.detector") -> Iterator[PlatformProcess]:
    """The detector, from its start to its end."""
    with (
        working_folder("bench-detector") as folder,
        PlatformProcess(folder, command=subject.command(module), model=subject.model, log_level="info") as process,
    ):
        yield process


def raw(subject: Subject, seconds: float) -> dict[str, float]:
    """What the engines do alone: `per_s`, `threads` and `peak_mib`. Raises MeasurementFailed."""
    command = subject.command("probes.detector_speed", str(subject.pictures), "--seconds", str(seconds))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("QUORATE_")}
    env = clean | {"QUORATE_MODEL": subject.model}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=RAW_S, check=False)
    if done.returncode:
        raise MeasurementFailed(f"the raw engine failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout)
