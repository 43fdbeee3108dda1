"""A cgroup with the processor quota and the memory limit of a small pod, where this machine lets us make one."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

CORES = 0.5
MEMORY_BYTES = 512 * 1024 * 1024
PERIOD_US = 100_000
ROOT = Path("/sys/fs/cgroup")


class NoPod(Exception):
    """This machine does not let us limit a process; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Pod:
    """The folders of the cgroups that make up the pod."""

    folders: tuple[Path, ...]

    def inside(self, command: Sequence[str]) -> list[str]:
        """A command that enters the pod and then becomes the given one."""
        enter = "".join(f"echo $$ > {folder}/cgroup.procs && " for folder in self.folders)
        return ["/bin/sh", "-c", enter + 'exec "$@"', "sh", *command]


@contextmanager
def pod() -> Iterator[Pod]:
    """A pod, removed at the end. Raises NoPod."""
    if os.geteuid() != 0:
        raise NoPod("only root may make cgroups")
    name = f"quorate-bench-{os.getpid()}"
    made: list[Path] = []
    try:
        for folder, limits in _limits(name).items():
            try:
                folder.mkdir()
                made.append(folder)
                for file, value in limits:
                    (folder / file).write_text(value, encoding="ascii")
            except OSError as error:
                raise NoPod(f"{folder}: {error.strerror}") from error
        yield Pod(tuple(made))
    finally:
        for folder in made:
            _remove(folder)


def _limits(name: str) -> dict[Path, list[tuple[str, str]]]:
    """What to write where: cgroups of version 2, or the two hierarchies of version 1."""
    quota_us = int(CORES * PERIOD_US)
    if (ROOT / "cgroup.controllers").exists():
        return {ROOT / name: [("cpu.max", f"{quota_us} {PERIOD_US}"), ("memory.max", str(MEMORY_BYTES))]}
    if (ROOT / "cpu" / "cpu.cfs_quota_us").exists() and (ROOT / "memory").is_dir():
        return {
            ROOT / "cpu" / name: [("cpu.cfs_period_us", str(PERIOD_US)), ("cpu.cfs_quota_us", str(quota_us))],
            ROOT / "memory" / name: [("memory.limit_in_bytes", str(MEMORY_BYTES))],
        }
    raise NoPod("there is no cgroup hierarchy with a processor quota in /sys/fs/cgroup")


def _remove(folder: Path) -> None:
    for _ in range(50):  # what was in it takes a moment to go
        with suppress(OSError):
            folder.rmdir()
            return
        time.sleep(0.1)
