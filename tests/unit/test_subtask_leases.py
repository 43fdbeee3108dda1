"""Leases of a subtask: who may have one, and until when."""

from dataclasses import replace

import pytest

from services.subtask_manager import domain
from services.subtask_manager.refusals import NoLease, NotOpen
from services.subtask_manager.subtask import Fact
from tests.unit.subtask_builders import LEASE_S, T0, brief, cast, lease_of, leased, opened, voted

EXPIRY = T0 + LEASE_S


@pytest.mark.parametrize(("now", "is_live"), [(EXPIRY - 0.001, True), (EXPIRY, False), (EXPIRY + 0.001, False)])
def test_a_lease_ends_at_the_very_instant_of_its_expiry(now, is_live):
    of = brief(votes_required=1)
    subtask = leased(opened(of), of, "ann")
    assert bool(domain.live_leases(subtask, now)) is is_live
    assert domain.may_lease(subtask, of, operator="bob", now=now) is not is_live
    assert domain.may_lease(subtask, of, operator="ann", now=now) is not is_live


def test_no_more_leases_than_places():
    of = brief()
    subtask = leased(opened(of), of, "ann", "bob")
    refused = domain.grant_lease(subtask, of, lease=lease_of("eve"), now=T0)
    assert refused.answer is False
    assert refused.state is subtask


@pytest.mark.parametrize(
    ("reach", "who"),
    [
        pytest.param(lambda s, of: leased(s, of, "ann"), "ann", id="holds one already"),
        pytest.param(lambda s, of: cast(leased(s, of, "ann"), of, "ann", "cat").state, "ann", id="has voted"),
        pytest.param(
            lambda s, of: domain.skip(leased(s, of, "ann"), of, operator="ann", now=T0).state, "ann", id="has skipped"
        ),
        pytest.param(lambda s, of: voted(s, of, "cat", "cat"), "ann", id="is completed"),
        pytest.param(lambda s, of: replace(s, offered_at=T0 + 1), "ann", id="is not offered yet"),
    ],
)
def test_no_lease_for_whom_there_is_none(reach, who):
    of = brief()
    subtask = reach(opened(of), of)
    assert not domain.may_lease(subtask, of, operator=who, now=T0)
    assert domain.grant_lease(subtask, of, lease=lease_of(who), now=T0).state is subtask


def test_a_lease_granted_anew_makes_the_old_token_stale():
    of = brief(votes_required=1)
    subtask = leased(opened(of), of, "ann")
    anew = lease_of("ann", at=EXPIRY, token="newer")
    subtask = domain.grant_lease(subtask, of, lease=anew, now=EXPIRY).state
    with pytest.raises(NoLease):
        domain.cast_vote(subtask, of, voter="ann", label="cat", token="token of ann", now=EXPIRY)
    assert domain.cast_vote(subtask, of, voter="ann", label="cat", token="newer", now=EXPIRY).answer.label == "cat"


def test_an_expired_lease_votes_while_its_place_is_free():
    of = brief(votes_required=1)
    decision = cast(leased(opened(of), of, "ann"), of, "ann", "cat", at=EXPIRY + 1e6)
    assert decision.state.state == "completed"


def test_an_expired_lease_is_refused_once_its_place_went_to_another():
    of = brief(votes_required=1)
    subtask = leased(leased(opened(of), of, "ann"), of, "bob", at=EXPIRY)
    with pytest.raises(NoLease):
        cast(subtask, of, "ann", "cat", at=EXPIRY)
    assert cast(subtask, of, "bob", "dog", at=EXPIRY).state.result.label == "dog"


def test_an_expired_lease_votes_where_another_place_is_free():
    of = brief()
    subtask = leased(leased(opened(of), of, "ann"), of, "bob", at=EXPIRY)
    assert len(cast(subtask, of, "ann", "cat", at=EXPIRY).state.votes) == 1


def test_nobody_votes_with_anothers_token_or_none():
    of = brief()
    subtask = leased(opened(of), of, "ann", "bob")
    for token in ("token of bob", "", "token of ann "):
        with pytest.raises(NoLease):
            domain.cast_vote(subtask, of, voter="ann", label="cat", token=token, now=T0)
    with pytest.raises(NoLease):
        domain.cast_vote(subtask, of, voter="eve", label="cat", token="token of bob", now=T0)


@pytest.mark.parametrize("late", [0.0, LEASE_S, LEASE_S + 1], ids=["live", "at expiry", "expired"])
def test_renewing_lets_a_lease_live_on_with_its_token(late):
    of = brief(votes_required=1)
    now = T0 + late
    decision = domain.renew_lease(
        leased(opened(of), of, "ann"), of, operator="ann", token="token of ann", now=now, lease_s=LEASE_S
    )
    assert decision.answer == lease_of("ann", at=now)
    assert decision.state.leases == (decision.answer,)
    assert decision.state.available_at == now + LEASE_S


def test_renewing_is_refused_once_the_place_went_to_another():
    of = brief(votes_required=1)
    subtask = leased(leased(opened(of), of, "ann"), of, "bob", at=EXPIRY)
    with pytest.raises(NoLease):
        domain.renew_lease(subtask, of, operator="ann", token="token of ann", now=EXPIRY, lease_s=LEASE_S)


def test_renewing_is_refused_with_a_stale_token_and_when_it_has_ended():
    of = brief()
    with pytest.raises(NoLease):
        domain.renew_lease(leased(opened(of), of, "ann"), of, operator="ann", token="x", now=T0, lease_s=LEASE_S)
    ended = voted(opened(of), of, "cat", "cat")
    with pytest.raises(NotOpen):
        domain.renew_lease(ended, of, operator="v0", token="token of v0", now=T0, lease_s=LEASE_S)


def test_given_back_comes_again_and_giving_back_twice_is_fine():
    of = brief(votes_required=1)
    subtask = domain.give_back(leased(opened(of), of, "ann"), of, operator="ann", now=T0).state
    assert subtask.leases == ()
    assert domain.give_back(subtask, of, operator="ann", now=T0).state is subtask
    assert domain.may_lease(subtask, of, operator="ann", now=T0)
    with pytest.raises(NoLease):
        cast(subtask, of, "ann", "cat")


@pytest.mark.parametrize("leave", [domain.give_back, domain.skip])
def test_a_lease_is_left_by_its_own_token_and_a_newer_one_stays(leave):
    of = brief()
    subtask = leased(opened(of), of, "ann")
    with pytest.raises(NoLease, match="newer"):
        leave(subtask, of, operator="ann", token="an older one", now=T0)
    assert leave(subtask, of, operator="ann", token="token of ann", now=T0).state.leases == ()


def test_skipped_never_comes_again_and_skipping_twice_is_fine():
    of = brief(votes_required=1)
    subtask = domain.skip(leased(opened(of), of, "ann"), of, operator="ann", now=T0).state
    assert domain.skip(subtask, of, operator="ann", now=T0).state is subtask
    assert not domain.may_lease(subtask, of, operator="ann", now=T0 + 1e9)
    assert domain.may_lease(subtask, of, operator="bob", now=T0)


def test_only_what_was_leased_can_be_skipped():
    of = brief()
    with pytest.raises(NoLease):
        domain.skip(opened(of), of, operator="ann", now=T0)


def test_ten_skips_make_a_dispute_once():
    of = brief()
    subtask = opened(of)
    for skips in range(1, 11):
        assert subtask.state == "open"
        decision = domain.skip(leased(subtask, of, f"o{skips}"), of, operator=f"o{skips}", now=T0 + skips)
        subtask = decision.state
        assert decision.facts == ((Fact.DISPUTED,) if skips == 10 else ())
    assert (subtask.state, subtask.result.label, subtask.result.decided_by) == ("disputed", None, None)
    assert (subtask.leases, subtask.available_at) == ((), None)
    assert domain.skip(subtask, of, operator="late", now=T0).state is subtask
