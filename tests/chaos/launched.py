"""The embedded platform as a process that was started by the harness's launcher."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path

from loadtest.command import ROOT
from loadtest.platform_process import PlatformProcess
from tests.chaos.triggers import VARIABLE, Triggers


class LaunchedPlatform(PlatformProcess):
    """`python -P -m tests.chaos.launcher embedded` in a folder; `arguments` are the launcher's."""

    def __init__(self, folder: Path, data_dir: Path, *, arguments: tuple[str, ...] = (), **settings: object) -> None:
        command = (sys.executable, "-P", "-m", "tests.chaos.launcher", "embedded", *arguments)
        super().__init__(folder, command=command, data_dir=data_dir, **settings)
        self.triggers = Triggers(folder / "triggers")

    def launch(self, more: Mapping[str, str] | None = None, *, crash_at: str | None = None) -> None:
        """Start the process; `crash_at`: it dies there, as the variable of `shared.crash_points` says."""
        crash = {} if crash_at is None else {"QUORATE_CRASH_AT": crash_at}
        launcher = {VARIABLE: str(self.triggers.folder), "PYTHONPATH": str(ROOT)}
        super().launch({**launcher, **crash, **(more or {})})

    def await_death(self, patience_s: float) -> bool:
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if self.has_died():
                return True
            time.sleep(0.02)
        return False
