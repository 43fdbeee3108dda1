import os
from pathlib import Path

import pytest

from services.detector import quota

V2 = "30 23 0:26 {root} {mounted} rw,nosuid shared:4 - cgroup2 cgroup rw\n"
V1 = "31 23 0:27 {root} {mounted} rw,nosuid shared:9 - cgroup cgroup rw,{controllers}\n"


@pytest.fixture
def proc(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)))
    folder = tmp_path / "proc"
    folder.mkdir()
    return folder


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def v2(proc: Path, *, path: str, root: str = "/", **quotas: str) -> Path:
    """A hierarchy of version 2 where `quotas` says what the folders of the process's path allow, `top` the root's."""
    mounted = proc.parent / "cgroup"
    write(proc / "cgroup", f"0::{path}\n")
    write(proc / "mountinfo", V2.format(root=root, mounted=mounted))
    for name, text in quotas.items():
        write(mounted / ("" if name == "top" else name.replace("_", "/")) / "cpu.max", text + "\n")
    return proc


def test_without_cgroups_the_affinity_mask_counts(proc: Path):
    assert quota.cores(proc) == 8


@pytest.mark.parametrize(
    ("quotas", "cores"),
    [
        ({"a_b": "50000 100000"}, 0.5),
        ({"a_b": "150000 100000"}, 1.5),
        ({"a_b": "max 100000"}, 8),
        ({"a_b": "1600000 100000"}, 8),
        ({"a": "200000 100000", "a_b": "max 100000"}, 2),
        ({"a": "25000 50000", "a_b": "400000 100000"}, 0.5),
        ({"top": "300000 100000"}, 3),
        ({}, 8),
    ],
)
def test_the_least_on_the_way_up_counts(proc: Path, quotas, cores):
    assert quota.cores(v2(proc, path="/a/b", **quotas)) == cores


@pytest.mark.parametrize("path", ["/", "/../..", "/docker/abc"])
def test_in_a_container_the_mount_is_the_own_group(proc: Path, path):
    root = path if path == "/docker/abc" else "/"
    assert quota.cores(v2(proc, path=path, root=root, top="100000 100000")) == 1


@pytest.mark.parametrize(("given", "cores"), [("50000", 0.5), ("-1", 8), ("250000", 2.5)])
def test_version_1(proc: Path, given, cores):
    mounted = proc.parent / "cpu,cpuacct"
    write(proc / "cgroup", "9:memory:/else\n4:cpu,cpuacct:/a\n0::/\n")
    other = V1.format(root="/", mounted=proc.parent / "memory", controllers="memory")
    write(proc / "mountinfo", other + V1.format(root="/", mounted=mounted, controllers="cpu,cpuacct"))
    write(mounted / "a/cpu.cfs_quota_us", given + "\n")
    write(mounted / "a/cpu.cfs_period_us", "100000\n")
    assert quota.cores(proc) == cores


@pytest.mark.parametrize(("cores", "threads"), [(0.1, 1), (0.5, 1), (1, 1), (1.9, 1), (2, 2), (7.99, 7)])
def test_threads(cores, threads):
    assert quota.threads(cores) == threads


def test_here():
    assert 0 < quota.cores() <= (os.cpu_count() or 1)
