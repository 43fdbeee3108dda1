from itertools import permutations

import pytest

from services.subtask_manager import domain
from services.subtask_manager.refusals import AlreadyVoted, CannotUndo, NoLease, NotOpen, UnknownLabel
from services.subtask_manager.subtask import Fact
from shared.results import tally_of
from tests.unit.subtask_builders import (
    LEASE_S,
    T0,
    brief,
    cast,
    detector,
    lease_of,
    leased,
    opened,
    prelabel,
    voted,
    with_votes,
)

EXPIRY = T0 + LEASE_S


# Votes


def test_two_who_agree_settle_it_and_the_third_is_never_asked():
    of = brief()
    subtask = leased(opened(of), of, "ann", "bob")
    first = cast(subtask, of, "ann", "cat", at=T0 + 1)
    assert (first.answer.total, first.answer.state, first.facts) == (1, "open", ())
    assert not domain.may_lease(first.state, of, operator="eve", now=T0 + 1)
    second = cast(first.state, of, "bob", "cat", at=T0 + 2)
    assert (second.answer.total, second.answer.state, second.facts) == (2, "completed", (Fact.COMPLETED,))
    result = second.state.result
    assert (result.label, result.agreement, result.decided_by, result.revision) == ("cat", 1.0, "settled", 1)
    assert (result.completed_at, second.state.leases, second.state.available_at) == (T0 + 2, (), None)


def test_the_third_is_asked_where_two_disagree():
    of = brief()
    subtask = voted(opened(of), of, "cat", "dog")
    assert domain.may_lease(subtask, of, operator="eve", now=T0)
    assert not domain.may_lease(leased(subtask, of, "eve"), of, operator="joe", now=T0)
    ended = cast(leased(subtask, of, "eve"), of, "eve", "dog").state
    assert (ended.result.label, ended.result.decided_by, ended.result.agreement) == ("dog", "quorum", 2 / 3)


def test_votes_without_a_winner_are_extended_then_disputed():
    of = brief()
    subtask = voted(opened(of), of, "cat", "dog", "fox")
    assert subtask.state == "open"
    four = voted(opened(of), of, "cat", "dog", "fox", "cat")
    assert (four.state, four.result.label, four.result.decided_by) == ("completed", "cat", "quorum")
    unsure = brief(allow_unsure=True)
    five = voted(opened(unsure), unsure, "cat", "dog", "fox", "unsure", "unsure")
    assert (five.state, five.result.label, five.result.agreement, five.result.decided_by) == (
        "disputed",
        None,
        None,
        None,
    )
    assert tally_of(five.votes) == (("cat", 1), ("dog", 1), ("fox", 1), ("unsure", 2))


def test_the_same_vote_again_is_answered_as_the_first_time():
    of = brief()
    subtask = leased(opened(of), of, "ann", "bob")
    first = cast(subtask, of, "ann", "cat", at=T0)
    ended = cast(first.state, of, "bob", "cat", at=T0 + 1).state
    for now in (first.state, ended):
        again = domain.cast_vote(now, of, voter="ann", label="cat", token="anything", now=T0 + 1e6)
        assert again.answer == first.answer
        assert again.state is now
        assert again.facts == ()


def test_the_checks_run_in_this_order_own_vote_state_lease():
    of = brief()
    ended = voted(opened(of), of, "cat", "cat")
    with pytest.raises(AlreadyVoted):
        domain.cast_vote(ended, of, voter="v0", label="dog", token="", now=T0)
    with pytest.raises(NotOpen):
        domain.cast_vote(ended, of, voter="eve", label="dog", token="", now=T0)
    with pytest.raises(NoLease):
        domain.cast_vote(opened(of), of, voter="eve", label="dog", token="", now=T0)


@pytest.mark.parametrize("label", ["wolf", "Cat", "cat ", "", "unsure"])
def test_only_labels_of_the_task_are_votes(label):
    of = brief()
    with pytest.raises(UnknownLabel) as refusal:
        cast(leased(opened(of), of, "ann"), of, "ann", label)
    assert refusal.value.pointer == "/label"


def test_unsure_is_a_label_like_any_other_where_the_task_has_it_and_allows_no_unsure():
    of = brief(labels=("unsure", "cat"))
    ended = voted(opened(of), of, "unsure", "unsure")
    assert (ended.result.label, tally_of(ended.votes)) == ("unsure", (("unsure", 2),))


def test_unsure_counts_as_collected_and_in_agreement():
    of = brief(allow_unsure=True, stop="exact")
    ended = voted(opened(of), of, "unsure", "cat", "unsure")
    assert (ended.result.label, ended.result.agreement) == ("cat", 1 / 3)
    assert [vote.label for vote in ended.votes] == [None, "cat", None]


@pytest.mark.parametrize(
    "votes", [("cat", "dog", "dog"), ("cat", "dog", "fox", "dog"), ("cat", "dog", "fox", "unsure")]
)
def test_the_same_votes_give_the_same_end_in_any_order(votes):
    of = brief(allow_unsure=True, stop="exact")
    ends = set()
    for order in set(permutations(votes)):
        subtask = opened(of)
        for position, label in enumerate(order):
            if subtask.state == "open":
                subtask = cast(leased(subtask, of, f"v{position}"), of, f"v{position}", label).state
        if len(subtask.votes) == len(votes):
            ends.add((subtask.state, subtask.result and (subtask.result.label, subtask.result.agreement)))
    assert len(ends) == 1


# Undo


def test_an_undone_vote_gives_its_lease_back():
    of = brief()
    handed = lease_of("v0", at=T0 + 9, token="handed back")
    decision = domain.undo_vote(voted(opened(of), of, "cat"), of, voter="v0", lease=handed, now=T0 + 9)
    assert (decision.answer, decision.state.votes, decision.state.leases) == (handed, (), (handed,))
    again = domain.undo_vote(decision.state, of, voter="v0", lease=lease_of("v0", token="another"), now=T0 + 10)
    assert again.answer == handed
    assert again.state is decision.state
    voted_anew = domain.cast_vote(decision.state, of, voter="v0", label="dog", token="handed back", now=T0 + 11)
    assert [vote.label for vote in voted_anew.state.votes] == ["dog"]


def test_undo_is_refused_when_its_lease_has_expired_and_it_is_sent_again():
    of = brief()
    undone = domain.undo_vote(voted(opened(of), of, "cat"), of, voter="v0", lease=lease_of("v0"), now=T0).state
    with pytest.raises(CannotUndo):
        domain.undo_vote(undone, of, voter="v0", lease=lease_of("v0"), now=EXPIRY)


@pytest.mark.parametrize(
    "reach",
    [
        pytest.param(opened, id="there is none"),
        pytest.param(lambda of: voted(opened(of), of, "cat", "cat"), id="it is completed"),
        pytest.param(
            lambda of: leased(leased(voted(opened(of), of, "cat"), of, "ann"), of, at=T0), id="open, and a lease fits"
        ),
        pytest.param(
            lambda of: leased(voted(opened(of), of, "cat", "dog", "fox"), of, "ann"), id="another was asked for it"
        ),
    ],
)
def test_undo_is_refused_where_the_vote_has_led_on(reach, request):
    of = brief()
    subtask = reach(of)
    if "fits" in request.node.name:
        undone = domain.undo_vote(subtask, of, voter="v0", lease=lease_of("v0"), now=T0).state
        assert {lease.operator for lease in undone.leases} == {"ann", "v0"}
        return
    with pytest.raises(CannotUndo):
        domain.undo_vote(subtask, of, voter="v0", lease=lease_of("v0"), now=T0)


# Adjudication


@pytest.mark.parametrize(
    "votes", [("cat", "dog", "fox", "unsure", "unsure"), ("cat", "cat")], ids=["disputed", "completed"]
)
def test_adjudication_decides_what_has_ended_with_who_when_and_why(votes):
    of = brief(allow_unsure=True)
    ended = voted(opened(of), of, *votes)
    decision = domain.adjudicate(ended, of, by="judge", label="cat", reason="a tail", now=T0 + 5)
    result = decision.state.result
    assert (decision.state.state, decision.facts) == ("completed", (Fact.ADJUDICATED,))
    assert (result.label, result.decided_by, result.by, result.reason) == ("cat", "adjudicator", "judge", "a tail")
    assert (result.revision, result.completed_at) == (2, T0 + 5)
    assert result.agreement == votes.count("cat") / len(votes)
    assert decision.state.votes == ended.votes


@pytest.mark.parametrize(
    ("by", "label", "reason", "revision"),
    [
        ("judge", "cat", "why", 2),
        ("other", "cat", "why", 3),
        ("judge", "dog", "why", 3),
        ("judge", "cat", "because", 3),
    ],
)
def test_the_same_adjudication_again_changes_nothing_and_another_is_a_new_revision(by, label, reason, revision):
    of = brief()
    once = domain.adjudicate(
        voted(opened(of), of, "fox", "fox"), of, by="judge", label="cat", reason="why", now=T0
    ).state
    again = domain.adjudicate(once, of, by=by, label=label, reason=reason, now=T0 + 1)
    assert again.state.result.revision == revision
    assert (again.state is once) == (revision == 2)
    assert bool(again.facts) == (revision == 3)


def test_adjudication_waits_for_the_voters_and_takes_only_labels_of_the_task():
    of = brief(allow_unsure=True)
    with pytest.raises(NotOpen):
        domain.adjudicate(opened(of), of, by="judge", label="cat", reason="", now=T0)
    for label in ("wolf", "unsure", ""):
        with pytest.raises(UnknownLabel):
            domain.adjudicate(voted(opened(of), of, "cat", "cat"), of, by="judge", label=label, reason="", now=T0)


def test_an_adjudicated_subtask_still_takes_no_votes_and_keeps_its_answers():
    of = brief()
    ended = voted(opened(of), of, "cat", "cat")
    judged = domain.adjudicate(ended, of, by="judge", label="dog", reason="", now=T0).state
    again = cast(judged, of, "v1", "cat")
    assert (again.state, again.answer) == (judged, ended.votes[1])
    with pytest.raises(NotOpen):
        domain.cast_vote(judged, of, voter="eve", label="cat", token="", now=T0)
    with pytest.raises(CannotUndo):
        domain.undo_vote(judged, of, voter="v1", lease=lease_of("v1"), now=T0)


# When its place opened


def test_available_at_is_when_the_present_free_place_opened():
    of = brief()
    subtask = opened(of)
    assert subtask.available_at == T0
    one = leased(subtask, of, "ann", at=T0 + 1)
    assert one.available_at == T0, "a place is still free since it was opened"
    two = leased(one, of, "bob", at=T0 + 2)
    assert two.available_at == T0 + 1 + LEASE_S, "ann's expiry opens the next"
    assert domain.give_back(two, of, operator="bob", now=T0 + 5).state.available_at == T0 + 5
    renewed = domain.renew_lease(two, of, operator="ann", token="token of ann", now=T0 + 9, lease_s=LEASE_S).state
    assert renewed.available_at == T0 + 2 + LEASE_S, "now bob's expiry comes first"
    voted_once = cast(two, of, "ann", "cat", at=T0 + 20).state
    assert voted_once.available_at == T0 + 2 + LEASE_S, "one place is left and bob has it"
    disagreed = cast(voted_once, of, "bob", "dog", at=T0 + 30).state
    assert disagreed.available_at == T0 + 30
    assert leased(disagreed, of, "eve", at=T0 + 40).available_at == T0 + 40 + LEASE_S


def test_available_at_stays_at_the_expiry_that_opened_the_place():
    of = brief(votes_required=1, detector=detector("suggest"))
    subtask = leased(opened(of), of, "ann")
    assert subtask.available_at == EXPIRY
    seen = domain.apply_prelabel(subtask, of, prelabel=prelabel(), now=EXPIRY + 7).state
    assert seen.available_at == EXPIRY


@pytest.mark.parametrize("votes", [("cat", "cat"), ("cat", "dog", "fox", "unsure", "unsure")])
def test_an_ended_subtask_is_never_available(votes):
    of = brief(allow_unsure=True)
    assert voted(opened(of), of, *votes).available_at is None


def test_a_place_given_back_opens_then_though_another_was_free():
    """Whoever held it has walked past it, and would never come by again."""
    of = brief()
    subtask = leased(opened(of), of, "ann", at=T0 + 1)
    assert domain.give_back(subtask, of, operator="ann", now=T0 + 5).state.available_at == T0 + 5


# Bounds


def test_so_many_expired_leases_are_remembered_and_no_more():
    of = brief(votes_required=1)
    subtask = opened(of)
    for turn in range(domain.MAX_LAPSED + 5):
        subtask = leased(subtask, of, f"o{turn}", at=T0 + turn * LEASE_S)
    assert len(subtask.leases) == domain.MAX_LAPSED + 1
    now = T0 + (domain.MAX_LAPSED + 5) * LEASE_S
    with pytest.raises(NoLease):
        cast(subtask, of, "o0", "cat", at=now)
    assert cast(subtask, of, f"o{domain.MAX_LAPSED}", "cat", at=now).state.state == "completed"


def test_slots_are_spread_and_the_same_on_every_replica():
    slots = [domain.slot_of(f"subtask {i}") for i in range(4000)]
    assert domain.slot_of("subtask 0") == slots[0]
    assert all(0 <= slot < 2**62 for slot in slots)
    assert len(set(slots)) == 4000
    assert 900 < sum(slot < 2**60 for slot in slots) < 1100


def test_tally_names_unsure_last():
    of = brief(allow_unsure=True)
    subtask = with_votes(opened(of), None, "dog", "cat", "dog", None, None)
    assert tally_of(subtask.votes) == (("dog", 2), ("cat", 1), ("unsure", 3))
