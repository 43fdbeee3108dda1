"""The embedded platform as a process that was started by the harness's launcher."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.chaos.triggers import VARIABLE, Triggers
from tests.e2e.platform_process import REPOSITORY, PlatformProcess


class LaunchedPlatform(PlatformProcess):
    """`python -P -m tests.chaos.launcher embedded` in a folder; `arguments` are the launcher's."""

    def __init__(self, folder: Path, data_dir: Path, *, arguments: tuple[str, ...] = (), **settings: object) -> None:
        super().__init__(folder, **settings)
        self.data_dir = data_dir
        self._settings["data_dir"] = data_dir
        self.triggers = Triggers(folder / "triggers")
        self._arguments = arguments

    def launch(self, crash_at: str | None = None) -> None:
        """Start the process; `crash_at`: it dies there, as the variable of `shared.crash_points` says."""
        assert self._process is None, "the platform runs already"
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("QUORATE_")}
        environment |= {f"QUORATE_{name.upper()}": str(value) for name, value in self._settings.items()}
        environment |= {VARIABLE: str(self.triggers.folder), "PYTHONPATH": str(REPOSITORY)}
        if crash_at is not None:
            environment["QUORATE_CRASH_AT"] = crash_at
        with self._stdout.open("wb") as stdout, self._stderr.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tests.chaos.launcher", "embedded", *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=environment,
                cwd=REPOSITORY,
            )
        self.starts += 1

    def has_died(self) -> bool:
        """Whether it ended by itself; then it can be started again."""
        if self._process is None or self._process.poll() is None:
            return False
        self._process = None
        return True

    def is_started(self) -> bool:
        return self._process is not None

    def wait_until_ready_or_dead(self) -> bool:
        """Whether it became ready; False where it died first."""
        while not self.has_died():
            if "Quorate is ready" in self._stdout.read_text():
                return True
            time.sleep(0.02)
        return False

    def await_death(self, patience_s: float) -> bool:
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if self.has_died():
                return True
            time.sleep(0.02)
        return False
