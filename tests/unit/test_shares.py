"""Whatever one caller takes, another finds a place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Unavailable
from shared.http.addresses import forwarded_address, holder_of, place_of
from shared.http.bodies import Bodies
from shared.shares import Holder, Shares

ANN, BOB, EVE = Holder("192.0.2.1", "ann"), Holder("192.0.2.1", "bob"), Holder("192.0.2.9", "eve")
BUSY = Unavailable("busy")
NOBODY = Holder("192.0.2.1")


def taken(shares: Shares, holder: Holder) -> int:
    """Take all that the holder may; returns how much that was."""
    count = 0
    while shares.has_room(holder):
        shares.take(holder)
        count += 1
    return count


def test_each_further_caller_gets_half_of_what_is_left():
    shares = Shares(16)
    assert [taken(shares, one) for one in (ANN, EVE, Holder("192.0.2.5", "joe"), BOB)] == [8, 4, 2, 0]
    assert (shares.held, shares.free) == (14, 2)


def test_an_address_gets_three_quarters_whatever_names_are_used_there():
    shares = Shares(16)
    assert sum(taken(shares, Holder("192.0.2.1", f"name {number}")) for number in range(50)) == 12
    assert taken(shares, EVE) == 2


def test_who_has_no_name_is_held_to_the_address_alone():
    assert taken(Shares(16), NOBODY) == 12


def test_one_place_is_taken_by_whoever_comes_first():
    shares = Shares(1)
    assert (taken(shares, ANN), taken(shares, EVE)) == (1, 0)


def test_what_is_given_back_is_free_and_forgotten():
    shares = Shares(4)
    for _ in range(3):
        assert taken(shares, ANN) == 2
        shares.give_back(ANN, 2)
    assert (shares.held, shares._held) == (0, {})


def test_a_place_is_given_back_however_its_use_ends():
    shares = Shares(2)
    with pytest.raises(ZeroDivisionError), shares.place(ANN, BUSY):
        raise ZeroDivisionError
    with shares.place(ANN, BUSY), pytest.raises(Unavailable), shares.place(ANN, BUSY):
        raise AssertionError
    assert shares.held == 0


def test_bodies_of_one_caller_leave_another_room():
    bodies = Bodies(1_000_000)
    for _ in range(2):
        bodies.hold(200_000, beside=0, holder=ANN)
    with pytest.raises(Unavailable):
        bodies.hold(250_000, beside=0, holder=ANN)
    bodies.hold(200_000, beside=0, holder=EVE)
    bodies.hold(60_000, beside=0, holder=ANN)  # a small one
    for held_bytes, holder in ((400_000, ANN), (60_000, ANN), (200_000, EVE)):
        bodies.give_back(held_bytes, holder)
    assert bodies.held_bytes == 0


def test_a_body_that_is_alone_is_taken_whatever_its_size():
    bodies = Bodies(1_000)
    bodies.hold(1_000_000, beside=0, holder=ANN)
    with pytest.raises(Unavailable):
        bodies.hold(100_000, beside=0, holder=EVE)


HOLDERS = st.builds(Holder, st.sampled_from("abc"), st.sampled_from(["", "ann", "bob"]))


@given(st.integers(1, 40), st.lists(st.tuples(HOLDERS, st.integers(1, 9))))
def test_there_are_never_more_than_all_and_a_newcomer_finds_one(total, wanted):
    shares = Shares(total)
    for holder, more in wanted:
        if shares.has_room(holder, more):
            shares.take(holder, more)
    assert shares.free >= 0
    assert shares.has_room(Holder("new", "new")) == (shares.free > 0)


def headers(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"x"), *((b"x-forwarded-for", value.encode("latin-1")) for value in values)]


@pytest.mark.parametrize(
    ("values", "proxies", "address"),
    [
        (("192.0.2.7",), 1, "192.0.2.7"),
        (("203.0.113.1, 192.0.2.7",), 1, "192.0.2.7"),
        (("203.0.113.1, 192.0.2.7",), 2, "203.0.113.1"),
        (("203.0.113.1", "192.0.2.7"), 2, "203.0.113.1"),
        (("1.1.1.1, 203.0.113.1,192.0.2.7",), 2, "203.0.113.1"),
        (("2001:DB8::1",), 1, "2001:db8::1"),
        (("192.0.2.7",), 2, None),
        ((), 1, None),
        (("",), 1, None),
        (("unknown",), 1, None),
        (("192.0.2.7:80",), 1, None),
        (("192.0.2.7, \xe9",), 1, None),
    ],
)
def test_the_address_that_trusted_proxies_saw(values, proxies, address):
    assert forwarded_address(headers(*values), proxies) == address


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
    ],
)
def test_what_counts_as_one_address(address, place):
    assert place_of(address) == place


def test_the_holder_of_what_a_request_takes():
    assert holder_of({"client": ("192.0.2.1", 5), "caller_name": "ann"}) == ANN
    assert holder_of({"client": None, "caller_name": "ann"}) == Holder("", "ann")
