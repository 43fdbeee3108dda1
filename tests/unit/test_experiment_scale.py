import json
import os
import shutil
from types import SimpleNamespace

import pytest

from loadtest.crowd import calls as call
from loadtest.crowd.calls import Calls, Cost
from loadtest.errors import MeasurementFailed
from loadtest.experiments.scale.__main__ import lacking
from loadtest.experiments.scale.measuring import by_operators
from loadtest.experiments.scale.report import Found, Row, report
from loadtest.measures import Times
from loadtest.platform_process import threads_cpu_s
from tests.unit.http_server import answering


def test_the_cost_of_a_call_is_shared_by_what_it_did(monkeypatch):
    used = iter([10.0, 10.5])
    monkeypatch.setattr(call, "threads_cpu_s", lambda _pid: next(used))
    calls = Calls(operation="upload", pid=1, per_call=25)
    with calls.counting():
        calls.seconds += [0.001, 0.002, 0.003, 0.1]
    cost = calls.cost()
    assert (cost.operation, cost.count, cost.cpu_ms) == ("upload", 100, 5.0)
    assert (cost.times.p50, cost.times.p95, cost.times.p99) == (2.0, 100.0, 100.0)


def test_nothing_measured_is_no_cost_of_nothing():
    with pytest.raises(MeasurementFailed, match="lease"):
        Calls(operation="lease", pid=1).cost()


def test_processor_time_goes_up_with_work():
    before = threads_cpu_s(os.getpid())
    sum(number * number for number in range(200_000))
    assert threads_cpu_s(os.getpid()) > before


@pytest.mark.parametrize(
    ("disk", "memory", "lack"), [(10**12, 10**12, None), (10**9, 10**12, "disk"), (10**12, 10**9, "memory")]
)
def test_what_does_not_fit_is_left_out_and_why(tmp_path, monkeypatch, disk, memory, lack):
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=disk))
    monkeypatch.setattr(os, "sysconf", lambda name: memory if name == "SC_AVPHYS_PAGES" else 1)
    said = lacking(10_000_000, tmp_path)
    assert said is None if lack is None else said is not None and lack in said


def test_every_operation_is_a_curve_over_sizes_and_over_operators():
    def row(subtasks, operators, operation):
        cost = Cost(operation=operation, count=10, times=Times.of_ms([2.0, 4.0]), cpu_ms=0.5)
        return Row(subtasks=subtasks, operators=operators, cost=cost)

    found = Found(
        sizes=[(1000, 1.0, 1800.0, 90.0)],
        by_subtasks=[row(size, 100, what) for size in (1000, 100_000) for what in ("lease", "vote")],
        by_operators=[row(100_000, operators, "lease") for operators in (1, 10)],
    )
    waiting, working, *_ = report(found, []).parts
    assert [(one.name, one.x, one.y) for one in working.series] == [
        ("lease", [1000, 100_000], [0.5, 0.5]),
        ("vote", [1000, 100_000], [0.5, 0.5]),
    ]
    assert waiting.is_log_x
    assert waiting.is_log_y


async def test_many_operators_share_few_connections_and_each_votes_on_its_own():
    asked, voted, connections = [], [], set()

    def answer(_method, path, _body, *, caller, address):
        """Everybody is granted one lease."""
        connections.add(address)
        (asked if path == "/api/leases" else voted).append(caller)
        return 200, json.dumps({"leases": [{"subtask_id": caller, "labels": ["cat"], "token": "t"}]}).encode()

    with answering(answer, is_told_who=True) as url:
        platform = SimpleNamespace(pid=os.getpid(), port=int(url.rpartition(":")[2]))
        lease, vote = await by_operators(platform, "t", 30, connections=4, seconds=0.001, longest_s=30.0)
    names = {f"crowd-30-{number}" for number in range(30)}
    assert len(connections) == 4
    assert names <= set(asked)
    assert sorted(asked) == sorted(voted)
    assert (lease.operation, vote.operation) == ("lease", "vote")
    assert lease.count == vote.count == sum(name in names for name in asked)
