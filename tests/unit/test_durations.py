"""How long most things took in the last minute."""

import pytest

from shared.telemetry.metrics import Metrics
from shared.telemetry.rates import SPAN_S, Durations


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("share", "expected"), [(0.5, 0.010), (0.9, 0.010), (0.95, 2.0), (1.0, 2.0)])
def test_so_long_a_share_of_them_took_at_the_most(share, expected):
    durations = Durations(Clock())
    for took_s in [0.010] * 90 + [2.0] * 10:
        durations.took(took_s)
    found = durations.quantile_s(share)
    assert found is not None
    assert expected <= found <= 1.1 * expected


def test_what_is_older_than_a_minute_does_not_count():
    clock = Clock()
    durations = Durations(clock)
    assert durations.quantile_s(0.95) is None
    durations.took(0)
    assert durations.quantile_s(0.95) == pytest.approx(1e-4)
    clock.now += SPAN_S
    assert durations.quantile_s(0.95) is None


def test_streams_do_not_count_as_slow_requests():
    metrics = Metrics()
    metrics.request(method="GET", route="/api/tasks/{task_id}/events", status=200, took_s=600)
    assert metrics.took.quantile_s(0.95) is None
