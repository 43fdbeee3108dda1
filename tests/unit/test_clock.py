from itertools import pairwise

from shared.clock import iso, steady


def test_a_steady_clock_goes_forward_though_time_stands_still_or_is_set_back():
    times = iter([5.0, 5.0, 3.0, 5.0, 9.0])
    clock = steady(lambda: next(times))
    seen = [clock() for _ in range(5)]
    assert all(earlier < later for earlier, later in pairwise(seen))
    assert seen[0] == 5.0
    assert seen[-1] == 9.0


def test_instants_are_written_in_utc_to_the_millisecond():
    assert iso(0.0) == "1970-01-01T00:00:00.000Z"
    assert iso(1763682000.5) == "2025-11-20T23:40:00.500Z"
