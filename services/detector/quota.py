"""How many cores this process may use, by its cgroups and its affinity."""

import os
from collections.abc import Iterator
from pathlib import Path


def cores(proc: Path = Path("/proc/self")) -> float:
    """The processor time that this process can get, in cores; with a quota often less than one.

    The least of what the affinity mask and each cgroup from its own up to the root allow, in version 1 and 2.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([float(allowed), *_quotas(proc)])


def threads(available: float) -> int:
    """How many threads can work at a time on so many cores; further ones would only wait."""
    return max(1, int(available))


def _quotas(proc: Path) -> Iterator[float]:
    for folder, root in _cgroups(proc):
        here = folder
        while True:
            quota = _quota(here)
            if quota is not None:
                yield quota
            if here == root:
                break
            here = here.parent


def _cgroups(proc: Path) -> Iterator[tuple[Path, Path]]:
    """The folder of each cgroup that may limit the processor, and the root of its hierarchy."""
    path_of = {}
    for line in _read(proc / "cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        path_of |= dict.fromkeys(controllers.split(","), path)  # version 2 names no controller
    for line in _read(proc / "mountinfo").splitlines():
        mount, _, file_system = line.partition(" - ")
        kind, _, options = file_system.split(" ", 2)
        root, mounted = mount.split(" ")[3:5]
        if kind == "cgroup2" and "" in path_of:
            yield _below(Path(mounted), root, path_of[""])
        elif kind == "cgroup" and "cpu" in options.rpartition(" ")[2].split(",") and "cpu" in path_of:
            yield _below(Path(mounted), root, path_of["cpu"])


def _below(mounted: Path, root: str, path: str) -> tuple[Path, Path]:
    """The folder of a cgroup: a container sees only its part of the hierarchy, while the path may be the host's."""
    inside = path.removeprefix(root.rstrip("/")).strip("/") if path.startswith(root) else ""
    folder = mounted / inside if ".." not in inside.split("/") else mounted
    return folder, mounted


def _quota(folder: Path) -> float | None:
    """What one cgroup allows, in cores; None: anything."""
    quota, _, period = _read(folder / "cpu.max").strip().partition(" ")
    if not quota:
        quota = _read(folder / "cpu.cfs_quota_us").strip()
        period = _read(folder / "cpu.cfs_period_us").strip()
    if quota in {"", "max", "-1"} or not period or int(period) <= 0:
        return None
    return int(quota) / int(period)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
