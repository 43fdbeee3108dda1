import logging
from itertools import pairwise

import pytest

from shared.clock import iso
from shared.steady_clock import SET_S, SETTLE_S, SteadyClock

T0 = 1_800_000_000.0


class Machine:
    """A machine whose wall clock somebody sets."""

    def __init__(self) -> None:
        self.up_s, self.off_s = 1_000.0, 0.0
        self.clock = SteadyClock(self.wall, lambda: self.up_s)

    def wall(self) -> float:
        return T0 + self.up_s + self.off_s

    def pass_(self, seconds: float, step_s: float = 0.5) -> None:
        """Time passes, while the clock is read."""
        until = self.up_s + seconds
        while self.up_s < until:
            self.up_s += min(step_s, until - self.up_s)
            self.clock()


def test_a_clock_goes_forward_though_time_stands_still_or_is_set_back():
    machine = Machine()
    seen = []
    for off in (0.0, 0.0, -3.0, -3.0, 50.0, -50.0):
        machine.off_s = off
        seen.append(machine.clock())
    assert all(earlier < later for earlier, later in pairwise(seen))
    assert seen[0] == pytest.approx(machine.wall() + 50.0, abs=1e-3)


def test_a_clock_that_drifts_is_followed():
    machine = Machine()
    for _ in range(200):
        machine.pass_(1.0)
        machine.off_s += 0.0005
        assert abs(machine.clock.ahead_s) < 0.01


@pytest.mark.parametrize("step_s", [3_600.0, 86_400.0, 40 * 365 * 86_400.0])
def test_a_clock_that_is_set_forward_and_back_within_a_minute_changes_nothing(step_s):
    machine = Machine()
    began = machine.clock()
    machine.off_s = step_s
    machine.pass_(SETTLE_S - 2)
    machine.off_s = 0.0
    machine.pass_(300 - SETTLE_S + 2)
    assert machine.clock() - began == pytest.approx(300, abs=0.01)
    assert machine.clock.ahead_s == pytest.approx(0, abs=0.01)


def test_a_clock_that_is_set_forward_and_stays_so_is_followed_after_a_minute():
    machine = Machine()
    machine.off_s = 3_600.0
    machine.pass_(SETTLE_S - 2)
    assert machine.clock.ahead_s == pytest.approx(-3_600, abs=0.1)
    machine.pass_(4)
    assert machine.clock.ahead_s == pytest.approx(0, abs=0.1)


def test_five_minutes_are_hardly_longer_after_the_clock_was_set_back():
    machine = Machine()
    machine.off_s = 3_600.0
    machine.pass_(SETTLE_S + 2)
    machine.off_s = 0.0
    began = machine.clock()
    assert machine.clock.ahead_s == pytest.approx(3_600, abs=0.1)
    machine.pass_(300)
    assert machine.clock() - began == pytest.approx(270, abs=0.1)
    machine.pass_(36_000, step_s=60)
    assert machine.clock.ahead_s == pytest.approx(0, abs=1), "in ten hours it has caught up with an hour"
    began = machine.clock()
    machine.pass_(300)
    assert machine.clock() - began == pytest.approx(300, abs=0.1)


def test_a_process_goes_on_from_where_the_one_before_was():
    machine = Machine()
    stored = machine.wall() + 3_600
    machine.clock.go_on_from(stored)
    assert machine.clock() == pytest.approx(stored, abs=0.01)
    machine.pass_(10)
    assert machine.clock() - stored == pytest.approx(9, abs=0.1)
    machine.clock.go_on_from(T0)
    assert machine.clock() > stored


def test_each_setting_is_a_line_of_the_log(caplog):
    caplog.set_level(logging.WARNING)
    machine = Machine()
    for off in (SET_S / 2, 3_600.0, 0.0):
        machine.off_s = off
        machine.pass_(5)
    assert [round(record.set_by_s) for record in caplog.records] == [3_600, -3_600]
    assert {record.getMessage() for record in caplog.records} == {"the wall clock of this machine was set"}


def test_instants_are_written_in_utc_to_the_millisecond():
    assert iso(0.0) == "1970-01-01T00:00:00.000Z"
    assert iso(1763682000.5) == "2025-11-20T23:40:00.500Z"
