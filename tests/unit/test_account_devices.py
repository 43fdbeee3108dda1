"""The rules of programs that ask for a key."""

from dataclasses import replace

import pytest

from services.accounts.device import (
    MAX_GUESSES,
    REQUEST_S,
    DeviceRequest,
    Guesses,
    answered,
    code_in,
    code_shown,
    collected,
    guessed_right,
    guessing,
    open_to,
)
from services.accounts.domain import Membership, Person
from shared.errors import Conflict, Gone, Invalid, TooMany
from shared.identity.keys import digest_of

T0 = 1_000.0
ASKED = DeviceRequest(
    id="BCDFGHJK",
    digest=digest_of("secret"),
    client="CLI on a machine",
    address="192.0.2.1",
    created_at=T0,
    expires_at=T0 + REQUEST_S,
)
ANN = Person(
    id="ann",
    name="Ann",
    name_key="ann",
    created_at=T0,
    memberships=(Membership(team="first", roles=("client", "admin")),),
)


def approved() -> DeviceRequest:
    return answered(ASKED, ANN, "first", ("client",), T0, is_approved=True)


@pytest.mark.parametrize("typed", ["BCDF-GHJK", "bcdf ghjk", " bcdfghjk\n", "BCDF/GHJK"])
def test_a_code_is_read_however_it_is_typed(typed: str):
    assert code_in(typed) == ASKED.id
    assert code_in(code_shown(ASKED.id)) == ASKED.id


def test_an_approved_request_gives_a_key_once_and_only_to_its_program():
    after = approved()
    assert (after.state, after.person, after.team, after.roles) == ("approved", "ann", "first", ("client",))
    with pytest.raises(Gone):
        collected(after, "another secret", T0)
    given = collected(after, "secret", T0)
    assert given.is_collected
    with pytest.raises(Gone):
        collected(given, "secret", T0)


def test_a_request_that_waits_or_was_refused_gives_none():
    assert collected(ASKED, "secret", T0) is ASKED
    refused = answered(ASKED, ANN, "first", (), T0, is_approved=False)
    assert collected(refused, "secret", T0).state == "refused"
    assert not collected(refused, "secret", T0).is_collected


def test_ten_minutes_to_the_moment():
    end = ASKED.expires_at
    assert open_to(ASKED, "ann", end - 0.001) is ASKED
    assert collected(approved(), "secret", end - 0.001).is_collected
    for late in (
        lambda: open_to(ASKED, "ann", end),
        lambda: answered(ASKED, ANN, "first", ("client",), end, is_approved=True),
        lambda: collected(approved(), "secret", end),
    ):
        with pytest.raises(Gone):
            late()


def test_it_is_answered_once_and_shown_to_nobody_else_then():
    with pytest.raises(Conflict):
        answered(approved(), ANN, "first", ("client",), T0, is_approved=False)
    assert open_to(approved(), "ann", T0)
    with pytest.raises(Gone):
        open_to(approved(), "bob", T0)


def test_nobody_gives_a_role_that_they_do_not_have():
    for team, roles in (("first", ("operator",)), ("other", ("client",))):
        with pytest.raises(Invalid):
            answered(ASKED, ANN, team, roles, T0, is_approved=True)
    inactive = replace(ANN, memberships=(replace(ANN.memberships[0], is_active=False),))
    with pytest.raises(Invalid):
        answered(ASKED, inactive, "first", ("client",), T0, is_approved=True)


def test_guesses_are_counted_before_anybody_knows_and_taken_back():
    guesses = Guesses(id="ann")
    for number in range(MAX_GUESSES):
        guesses = guessing(guesses, T0 + number)
    with pytest.raises(TooMany) as refused:
        guessing(guesses, T0 + MAX_GUESSES)
    assert 0 < refused.value.retry_after_s <= 600
    assert len(guessed_right(guesses, T0).at) == MAX_GUESSES - 1
    assert guessing(guesses, T0 + 600).at[-1] == T0 + 600, "the first is forgotten"
