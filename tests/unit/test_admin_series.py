"""The platform minute by minute: what each process tells of a minute, and what is kept of all of them."""

import pytest

from shared.admin.minutes import Minute, Minutes
from shared.admin.replicas import SILENT_S
from shared.admin.series import STEPS, Series, last_told, together
from shared.telemetry.rates import Durations

T0 = 1_200_000.0
"""A minute begins here."""
AT = int(T0)


class Process:
    """A process that counts votes, and the clock on its wall."""

    def __init__(self, now: float) -> None:
        self.votes = 0
        self.now = now
        self.took = Durations(lambda: self.now)
        self.minutes = Minutes({"votes": lambda: self.votes}, self.took, now)

    def last(self, now: float) -> Minute | None:
        self.now = now
        return self.minutes.last(now, {"q": 0.5})


def minute(**told: object) -> Minute:
    return Minute.model_validate({"at": AT, "counts": {}, "took": {}, "ages_s": {}} | told)


def kept(series: Series, *, until: int, minutes: int) -> list[float | None]:
    return series.read(until, minutes).get("votes", [])


def test_a_minute_is_closed_exactly_at_its_end():
    process = Process(T0 + 20)
    process.votes = 3
    process.took.took(0.010)
    assert process.last(T0 + 59.999) is None
    closed = process.last(T0 + 60)
    assert closed is not None
    assert (closed.at, closed.counts, closed.ages_s) == (AT, {"votes": 3}, {"q": 0.5})
    assert sum(closed.took.values()) == 1
    assert process.last(T0 + 119.999) is closed


def test_every_vote_is_in_one_minute_however_late_it_is_looked_at():
    process = Process(T0)
    told = []
    for late_s in (61, 124, 180, 305):
        process.votes += 5
        told.append(process.last(T0 + late_s))
    assert [one and (one.at - AT, one.counts["votes"]) for one in told] == [(0, 5), (60, 5), (120, 5), None]
    process.votes += 2
    last = process.last(T0 + 360)
    assert last is not None
    assert (last.at - AT, last.counts["votes"]) == (300, 2), "nobody knows in which minute the five before were cast"


def test_a_minute_crosses_the_bus_as_it_is():
    one = minute(counts={"votes": 2}, took={7: 1}, ages_s={"q": 0.25})
    assert Minute.model_validate_json(one.model_dump_json()) == one


@pytest.mark.parametrize(("now", "expected"), [(-0.001, -120), (0, -60), (59.999, -60), (60, 0)])
def test_a_minute_is_told_once_every_replica_has_reported_it(now, expected):
    assert last_told(T0 + SILENT_S + now) == AT + expected


def test_processes_add_up():
    slow, fast = Durations(lambda: T0), Durations(lambda: T0)
    for _ in range(90):
        fast.took(0.010)
    for _ in range(10):
        slow.took(2.0)
    values = together(
        [
            minute(counts={"votes": 4}, took=fast.counts(), ages_s={"a": 1.5, "b": 0.0}),
            minute(counts={"votes": 0}, took=slow.counts(), ages_s={"a": 9.0}),
            minute(ages_s={"c": 2.0}),
        ]
    )
    assert values.pop("requests_p50_ms") == pytest.approx(10, rel=0.1)
    assert values.pop("requests_p95_ms") == pytest.approx(2000, rel=0.1)
    assert values == {"votes": 4, "queue.a": 9.0, "queue.b": 0.0, "queue.c": 2.0}


def test_what_nobody_told_has_no_value():
    assert together([]) == {}
    assert together([minute()]) == {}
    assert together([minute(counts={"votes": 0})]) == {"votes": 0}, "nobody voted: that is known"


def test_a_gap_is_null_and_nothing_is_not_zero():
    series = Series(AT)
    assert kept(series, until=AT, minutes=2) == []
    series.add(AT, {"votes": 1})
    series.add(AT + 180, {"votes": 0})
    assert kept(series, until=AT + 240, minutes=6) == [None, 1, None, None, 0, None]


def test_a_minute_is_kept_once():
    series = Series(AT)
    assert not series.lacks(AT - 60), "the process had not begun"
    for values in ({"votes": 1}, {"votes": 9}):
        series.add(AT, values)
    series.add(AT - 60, {"votes": 9})
    assert kept(series, until=AT, minutes=2) == [None, 1]


def test_a_series_that_begins_or_ends_later_is_null_elsewhere():
    series = Series(AT)
    series.add(AT, {"votes": 1})
    series.add(AT + 60, {"queue.q": 2.5})
    assert series.read(AT + 60, 2) == {"queue.q": [None, 2.5], "votes": [1, None]}
    assert series.read(AT + 60, 1) == {"queue.q": [2.5]}
    assert series.read(AT + 60, 2, "votes") == {"votes": [1, None]}
    assert series.read(AT + 60, 2, "vote") == {}


def test_exactly_24_hours_are_kept():
    series = Series(AT)
    for step in range(STEPS):
        series.add(AT + 60 * step, {"votes": step})
    last = AT + 60 * (STEPS - 1)
    assert kept(series, until=last, minutes=STEPS) == list(range(STEPS))
    series.add(last + 60, {"votes": STEPS})
    assert kept(series, until=last + 60, minutes=STEPS) == list(range(1, STEPS + 1))
    assert kept(series, until=last, minutes=STEPS)[:2] == [None, 1], "the first minute has gone"
    assert {len(ring) for ring in series._rings.values()} == {STEPS}


@pytest.mark.parametrize("later", [STEPS - 1, STEPS, STEPS + 1, 5 * STEPS])
def test_after_a_long_gap_nothing_old_comes_again(later):
    series = Series(AT)
    series.add(AT, {"votes": 7})
    series.add(AT + 60 * later, {"votes": 1})
    expected = [7 if later == STEPS - 1 else None, *[None] * (STEPS - 2), 1]
    assert kept(series, until=AT + 60 * later, minutes=STEPS) == expected
