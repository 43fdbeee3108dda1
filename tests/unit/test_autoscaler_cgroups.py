"""Control groups: what is written where, and one real one where this machine lets us make it."""

import os
import subprocess
import sys

import pytest

from loadtest import cgroups
from loadtest.cgroups import SMALL_POD, Cgroup, NoCgroups, Quota, demand, limited, sweep


@pytest.fixture
def v1(tmp_path):
    for controller in ("cpu", "cpuacct", "memory"):
        (tmp_path / controller).mkdir()
    return tmp_path


@pytest.fixture
def v2(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("cpu memory")
    (tmp_path / "cgroup.subtree_control").write_text("memory cpu")
    return tmp_path


def test_limits_in_version_1(v1):
    group = Cgroup("g", v1)
    group.make(SMALL_POD)
    assert (v1 / "cpu/g/cpu.cfs_quota_us").read_text() == "50000"
    assert (v1 / "memory/g/memory.limit_in_bytes").read_text() == "536870912"
    group.make(Quota(cores=None, memory_bytes=1))
    assert (v1 / "cpu/g/cpu.cfs_quota_us").read_text() == "-1"


def test_counters_in_version_1(v1):
    group = Cgroup("g", v1)
    group.make(SMALL_POD)
    (v1 / "cpuacct/g/cpuacct.usage").write_text("1500000000\n")
    (v1 / "memory/g/memory.max_usage_in_bytes").write_text("4096\n")
    assert (group.cpu_s(), group.peak_bytes()) == (1.5, 4096)


def test_two_controllers_in_one_hierarchy(tmp_path):
    (tmp_path / "cpu,cpuacct").mkdir()
    (tmp_path / "memory").mkdir()
    for link in ("cpu", "cpuacct"):
        (tmp_path / link).symlink_to("cpu,cpuacct")
    group = Cgroup("g", tmp_path)
    group.make(SMALL_POD)
    group.take(42)
    assert (tmp_path / "cpu,cpuacct/g/cgroup.procs").read_text() == "42"


def test_limits_and_counters_in_version_2(v2):
    group = Cgroup("g", v2)
    group.make(SMALL_POD)
    assert (v2 / "g/cpu.max").read_text() == "50000 100000"
    assert (v2 / "g/memory.max").read_text() == "536870912"
    (v2 / "g/cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
    (v2 / "g/memory.peak").write_text("8192\n")
    assert (group.cpu_s(), group.peak_bytes()) == (2.5, 8192)


def test_a_machine_without_hierarchies_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(NoCgroups, match="no hierarchies"):
        demand(tmp_path)


def test_controllers_that_are_not_passed_on_are_named(v2, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (v2 / "cgroup.subtree_control").write_text("cpu")
    with pytest.raises(NoCgroups, match="controllers memory"):
        demand(v2)


def test_others_than_root_are_refused(v1, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NoCgroups, match="only root"):
        demand(v1)


def test_only_groups_of_the_dead_are_swept(v1):
    ours, dead = f"{cgroups.PREFIX}{os.getpid()}-x-1", f"{cgroups.PREFIX}999999999-x-1"
    for name in (ours, dead, "somebody-elses"):
        (v1 / "cpu" / name).mkdir()
    sweep(v1)
    assert {path.name for path in (v1 / "cpu").iterdir()} == {ours, "somebody-elses"}


@pytest.mark.parametrize("is_born_inside", [True, False])
def test_a_real_group_limits_and_counts(is_born_inside):
    code = "import sys; sys.stdin.readline(); sum(range(3_000_000)); print('done', flush=True); sys.stdin.readline()"
    command = [sys.executable, "-c", code]
    try:
        with (
            limited("test", SMALL_POD) as group,
            subprocess.Popen(
                group.inside(command) if is_born_inside else command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            ) as busy,
        ):
            if not is_born_inside:
                group.take(busy.pid)
            busy.stdin.write("go\n")
            busy.stdin.flush()
            assert busy.stdout.readline() == "done\n"
            assert group.cpu_s() > 0
            assert group.peak_bytes() > 0
            busy.communicate("end\n")
    except NoCgroups as reason:
        pytest.skip(str(reason))
    assert not any(path.name == group.name for path in cgroups.ROOT.glob("*/*"))
