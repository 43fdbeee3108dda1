"""Control groups with a processor quota and a memory limit, and what the kernel counts in them; version 1 and 2."""

import itertools
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from loadtest.errors import MeasurementFailed

ROOT = Path("/sys/fs/cgroup")
V1 = ("cpu", "cpuacct", "memory")
PERIOD_US = 100_000
PREFIX = "quorate-experiment-"
REMOVAL_S = 5.0
POLL_S = 0.1


class NoCgroups(MeasurementFailed):
    """This machine does not let us limit processes; the text says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What the processes of a group may use together. Without `cores`, as much processor time as there is."""

    cores: float | None
    memory_bytes: int


SMALL_POD = Quota(cores=0.5, memory_bytes=512 * 2**20)
"""Request and limit in system D's Deployment of the detector."""


@dataclass(frozen=True, slots=True)
class Cgroup:
    """A group: in version 1 a folder in each of three hierarchies, in version 2 one folder for everything."""

    name: str
    root: Path = field(default=ROOT)

    def make(self, quota: Quota) -> None:
        """Make it and set its limits. Raises NoCgroups."""
        for folder in self._folders().values():
            folder.mkdir(exist_ok=True)
        for file, value in self._limits(quota):
            file.write_text(value, encoding="ascii")

    def take(self, pid: int) -> None:
        """Move a process in, with all its threads; what it starts from now on is born inside."""
        for folder in set(self._folders().values()):
            (folder / "cgroup.procs").write_text(str(pid), encoding="ascii")

    def inside(self, command: Sequence[str]) -> list[str]:
        """A command that enters the group and then becomes the given one."""
        enter = "".join(f"echo $$ > {folder}/cgroup.procs && " for folder in set(self._folders().values()))
        return ["/bin/sh", "-c", enter + 'exec "$@"', "sh", *command]

    def cpu_s(self) -> float:
        """Processor seconds that everything in it has used so far."""
        folders = self._folders()
        if "cpuacct" in folders:
            return int((folders["cpuacct"] / "cpuacct.usage").read_text()) / 1e9
        return _entry(folders["cpu"] / "cpu.stat", "usage_usec") / 1e6

    def peak_bytes(self) -> int:
        """The most memory that it ever held, files' pages in memory included."""
        file = "memory.peak" if self._is_v2() else "memory.max_usage_in_bytes"
        return int((self._folders()["memory"] / file).read_text())

    def remove(self) -> None:
        """Remove it, once what was in it has gone; after some seconds it is left to `sweep`."""
        deadline = time.monotonic() + REMOVAL_S
        for folder in self._folders().values():
            while folder.exists() and time.monotonic() < deadline:
                with suppress(OSError):  # a process that was just killed takes a moment to go
                    folder.rmdir()
                    break
                time.sleep(POLL_S)

    def _is_v2(self) -> bool:
        return (self.root / "cgroup.controllers").exists()

    def _folders(self) -> dict[str, Path]:
        """By controller. Where two are links to one hierarchy, so are the folders."""
        if self._is_v2():
            return dict.fromkeys(("cpu", "memory"), self.root / self.name)
        return {controller: (self.root / controller).resolve() / self.name for controller in V1}

    def _limits(self, quota: Quota) -> Iterator[tuple[Path, str]]:
        folders = self._folders()
        quota_us = None if quota.cores is None else max(1000, int(quota.cores * PERIOD_US))
        if self._is_v2():
            yield folders["cpu"] / "cpu.max", f"{quota_us or 'max'} {PERIOD_US}"
            yield folders["memory"] / "memory.max", str(quota.memory_bytes)
            return
        yield folders["cpu"] / "cpu.cfs_period_us", str(PERIOD_US)
        yield folders["cpu"] / "cpu.cfs_quota_us", str(quota_us or -1)
        yield folders["memory"] / "memory.limit_in_bytes", str(quota.memory_bytes)


def names(of: str) -> Iterator[str]:
    """Names for the groups of one fleet of this process, no two alike."""
    return (f"{PREFIX}{os.getpid()}-{of}-{number}" for number in itertools.count(1))


@contextmanager
def limited(of: str, quota: Quota) -> Iterator[Cgroup]:
    """A group, removed at the end. Raises NoCgroups."""
    demand()
    group = Cgroup(next(names(of)))
    try:
        try:
            group.make(quota)
        except OSError as error:
            raise NoCgroups(f"no control group can be made here: {error}") from error
        yield group
    finally:
        group.remove()


def demand(root: Path = ROOT) -> None:
    """Raises NoCgroups where groups cannot be made here."""
    if os.geteuid() != 0:
        raise NoCgroups("only root may make control groups: run this as root")
    if (root / "cgroup.controllers").exists():
        given = (root / "cgroup.subtree_control").read_text().split()
        if lacking := {"cpu", "memory"}.difference(given):
            raise NoCgroups(f"{root} does not pass on the controllers {', '.join(sorted(lacking))}")
    elif not all((root / controller).is_dir() for controller in V1):
        raise NoCgroups(f"{root} has no hierarchies {', '.join(V1)}")
    sweep(root)


def sweep(root: Path = ROOT) -> None:
    """Remove empty groups whose experiment is dead."""
    for folder in {*root.glob(f"{PREFIX}*"), *root.glob(f"*/{PREFIX}*")}:
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        if not Path(f"/proc/{pid}").exists():
            with suppress(OSError):
                folder.rmdir()


def _entry(file: Path, name: str) -> int:
    for line in file.read_text(encoding="ascii").splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0
