"""The control loop on fleets that are only pretended."""

from dataclasses import dataclass, field

import pytest

from loadtest.experiments.autoscaler import Scaled, by_queue
from loadtest.experiments.hpa import Direction, Hpa, Policy, Utilization

FAST = Direction(window_s=0, policies=[Policy(kind="Percent", value=900, period_s=15)])
HPA = Hpa(service="s", least=1, most=10, targets=[Utilization(share=0.8)], up=FAST, down=FAST)
REQUEST = 0.1


@dataclass
class Group:
    name: str
    used_s: float = 0.0

    def cpu_s(self):
        return self.used_s


@dataclass
class Pretended:
    cgroup: Group
    began_at: float
    ready_at: float | None = None

    @property
    def is_serving(self):
        return self.ready_at is not None


@dataclass
class Fleet:
    service: str = "s"
    found: list = field(default_factory=list)

    def members(self):
        return self.found

    def scale(self, replicas, now):
        del self.found[replicas:]
        self.found += [Pretended(Group(f"{now}-{n}"), now) for n in range(replicas - len(self.found))]

    def work(self, cores, seconds):
        for member in self.found:
            member.cgroup.used_s += cores * seconds

    def all_ready(self, now):
        for member in self.found:
            member.ready_at = member.ready_at or now


def scaled(hpa=HPA, depth=lambda: 0):
    return Scaled(fleet=Fleet(), hpa=hpa, request_cores=REQUEST, depth=depth)


def started(**told):
    """One replica, ready since 1 and looked at once, at 15."""
    one = scaled(**told)
    one.start(0)
    one.fleet.all_ready(1)
    one.look(15)
    return one


def test_it_starts_with_the_least_replicas():
    one = scaled()
    one.start(0)
    assert len(one.fleet.found) == 1


def test_the_first_look_has_no_figures_and_changes_nothing():
    assert len(started().fleet.found) == 1


def test_use_is_compared_with_the_request():
    one = started()
    one.fleet.work(cores=0.16, seconds=15)  # 160 % of the request, of which 80 % are wanted
    one.look(30)
    assert (one.recommended, len(one.fleet.found)) == (2, 2)


def test_what_a_pod_needs_to_start_is_not_its_use():
    one = scaled()
    one.start(0)
    one.look(15)
    one.fleet.work(cores=1.0, seconds=15)
    one.fleet.all_ready(20)  # within this window
    one.look(30)
    assert len(one.fleet.found) == 1
    one.fleet.work(cores=1.0, seconds=15)
    one.look(45)
    assert len(one.fleet.found) == 10


def test_an_idle_fleet_shrinks_to_the_least():
    one = started()
    one.fleet.scale(5, 15)
    one.fleet.all_ready(16)
    one.look(30)
    one.look(45)
    assert len(one.fleet.found) == 1


@pytest.mark.parametrize(("waiting", "expected"), [(0, 1), (20, 1), (100, 5), (10_000, 10)])
def test_by_queue_it_is_messages_for_each_replica(waiting, expected):
    one = started(hpa=by_queue(HPA, 20), depth=lambda: waiting)
    assert len(one.fleet.found) == expected
