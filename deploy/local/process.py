"""A process that outlives its starter; its pid and start time identify it."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import ServerNotInstalled, ServerNotUp

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PROGRAM_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
POLL_S = 0.05
STOP_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class LongProcess:
    """A process in a session of its own; what it prints goes to `<folder>/<name>.log`."""

    folder: Path
    name: str

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def pid(self) -> int | None:
        """Its pid while it runs. A process that only has the same number is never taken for it."""
        try:
            number, began = self._pid_file.read_text().split()
            pid = int(number)
        except (FileNotFoundError, ValueError):
            return None
        _reap(pid)
        return pid if began_at(pid) == began else None

    def start(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Start it, unless it runs. `env` is added to a small environment, not to that of the caller."""
        if self.pid():
            return
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=small_environment() | dict(env or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        process.returncode = 0  # it is left to itself: Popen must neither wait for it nor warn
        self._pid_file.write_text(f"{process.pid} {began_at(process.pid)}")

    def stop(self) -> None:
        """Ask it to end and wait; kill it where it does not."""
        self._end(signal.SIGTERM, STOP_S)
        self.kill()

    def kill(self) -> None:
        """Send SIGKILL and wait."""
        self._end(signal.SIGKILL, STOP_S)

    def tail(self) -> str:
        """The end of its log, for people."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-10:])

    @property
    def _pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"

    def _end(self, number: signal.Signals, longest_s: float) -> None:
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, number)
        deadline = time.monotonic() + longest_s
        while self.pid() and time.monotonic() < deadline:
            time.sleep(POLL_S)


def began_at(pid: int) -> str:
    """When a process began, in ticks of this boot of the kernel; empty where it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] in "ZX" else f"{fields[19]}@{BOOT_ID.read_text().strip()}"


def small_environment() -> dict[str, str]:
    """What every program needs, and nothing that the caller's environment could spoil."""
    return {"PATH": os.pathsep.join(PROGRAM_FOLDERS), "LANG": "C.UTF-8", "HOME": "/nonexistent"}


def program(name: str) -> str:
    """Where a program of the system is. Raises ServerNotInstalled."""
    found = shutil.which(name, path=os.pathsep.join(PROGRAM_FOLDERS))
    if found is None:
        raise ServerNotInstalled(f"the program {name} is not installed")
    return found


def run(command: Sequence[str], *, env: Mapping[str, str] | None = None, timeout_s: float = 60) -> str:
    """Run a program to its end and return what it printed. Raises ServerNotUp."""
    try:
        done = subprocess.run(
            command,
            env=small_environment() | dict(env or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ServerNotUp(f"{Path(command[0]).name} did not answer within {timeout_s:g} s") from None
    if done.returncode:
        raise ServerNotUp(f"{Path(command[0]).name} failed: {done.stderr.strip()[-1000:]}")
    return done.stdout


def _reap(pid: int) -> None:
    """Wait for a child of ours that has ended: until then its pid stays taken."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
