"""Token buckets: what a caller may ask in how short a time."""

import pytest

from shared.errors import Unauthenticated
from shared.http import rates
from shared.http.rates import BURST_S, Buckets, RateLimits, Rates
from shared.identity import CALLER, Caller


class Watch:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def taken(buckets: Buckets, name: str, now: float, most: int = 1_000) -> int:
    """How many can be taken at once."""
    return next((count for count in range(most) if buckets.take(name, now)), most)


def test_a_bucket_holds_ten_seconds_worth_and_fills_as_fast_as_it_was_said():
    buckets = Buckets(4)
    assert taken(buckets, "ann", 0.0) == 4 * BURST_S
    assert buckets.take("ann", 0.0) == pytest.approx(0.25)
    assert taken(buckets, "ann", 2.0) == 8
    assert taken(buckets, "ann", 1_000.0) == 4 * BURST_S


def test_a_refused_request_takes_nothing():
    buckets = Buckets(1)
    taken(buckets, "ann", 0.0)
    waits = {round(buckets.take("ann", 0.5), 6) for _ in range(100)}
    assert waits == {0.5}


def test_a_slow_bucket_lets_one_through_at_a_time():
    buckets = Buckets(0.01)
    assert buckets.take("ann", 0.0) == 0
    assert buckets.take("ann", 0.0) == pytest.approx(100)
    assert buckets.take("ann", 100.5) == 0


def test_names_have_buckets_of_their_own():
    buckets = Buckets(1)
    assert taken(buckets, "ann", 0.0) == taken(buckets, "ben", 0.0) == BURST_S


def test_what_is_remembered_is_bounded_and_full_buckets_go_first(monkeypatch):
    monkeypatch.setattr(rates, "REMEMBERED", 100)
    buckets = Buckets(1)
    taken(buckets, "ann", 200.0)
    for number in range(99):
        buckets.take(f"before {number}", 0.0)
    assert len(buckets._full_at) == 100
    buckets.take("new", 201.0)
    assert set(buckets._full_at) == {"ann", "new"}
    for number in range(10_000):
        buckets.take(f"now {number}", 201.0)
    assert len(buckets._full_at) <= 100


def asked(limits: RateLimits, *, by: Caller | None = None, at: str = "192.0.2.1", path: str = "/api/me"):
    return limits.refusal({"path": path, "client": (at, 5), CALLER: by or Unauthenticated("sign in")})


ANN, SCRIPT = Caller("ann", session="page"), Caller("ann", session="key")


def test_known_callers_count_for_their_key_and_for_their_person_and_strangers_for_their_address():
    limits = RateLimits(Rates(key=2, person=3, address=1), Watch())
    assert [asked(limits, by=ANN) for _ in range(20)] == [None] * 20
    assert asked(limits, by=ANN).retry_after_s == 1
    assert [asked(limits, by=SCRIPT) for _ in range(10)] == [None] * 10
    assert asked(limits, by=SCRIPT) is not None  # the key has some left, and the person has not
    assert asked(limits, by=Caller("ben", session="other")) is None
    assert [asked(limits) for _ in range(10)] == [None] * 10
    assert asked(limits) is not None
    assert asked(limits, at="192.0.2.2") is None


def test_a_network_of_ipv6_is_one_address():
    limits = RateLimits(Rates(address=1), Watch())
    assert [asked(limits, at=f"2001:db8::{number}") for number in range(10)] == [None] * 10
    assert asked(limits, at="2001:db8::ffff") is not None
    assert asked(limits, at="2001:db8:0:1::1") is None


def test_whoever_watches_the_process_and_a_rate_of_0_are_never_refused():
    limits = RateLimits(Rates(address=0.001), Watch())
    assert asked(limits) is None
    assert asked(limits) is not None
    assert [asked(limits, path=path) for path in ("/healthz", "/readyz", "/metrics")] == [None] * 3
    assert [asked(RateLimits(Rates(), Watch())) for _ in range(10_000)] == [None] * 10_000


def test_how_long_to_wait_is_in_whole_seconds_and_enough():
    watch = Watch()
    limits = RateLimits(Rates(address=0.3), watch)
    while (refusal := asked(limits)) is None:
        pass
    watch.now += refusal.retry_after_s
    assert asked(limits) is None
