from dataclasses import replace
from itertools import permutations

import pytest

from services.subtask_manager import domain
from services.subtask_manager.domain import AlreadyVoted, CannotUndo, Fact, NoLease, NotOpen, UnknownLabel
from shared.detection import Detection, Rectangle
from shared.policy import DetectorPolicy
from tests.unit.subtask_builders import LEASE_S, T0, brief, cast, lease_of, leased, opened, voted, with_votes

EXPIRY = T0 + LEASE_S


# Leases


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
    assert domain.tally_of(five) == (("cat", 1), ("dog", 1), ("fox", 1), ("unsure", 2))


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
    assert (ended.result.label, domain.tally_of(ended)) == ("unsure", (("unsure", 2),))


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


# Pre-labels


def prelabel(label="cat", confidence=0.95) -> domain.Prelabel:
    seen = Detection(label="cat", confidence=0.95, rectangle=Rectangle(left=1, top=2, width=3, height=4))
    return domain.Prelabel(model="detector:m@1", label=label, confidence=confidence, objects=(seen,))


def detector(mode, *, audit_share=0.0, **fields) -> DetectorPolicy:
    return DetectorPolicy(mode=mode, audit_share=audit_share, **fields)


@pytest.mark.parametrize(
    ("mode", "audit_share", "is_held_back", "facts"),
    [
        ("off", 0.0, False, ()),
        ("suggest", 0.0, False, (Fact.OPENED,)),
        ("vote", 0.0, True, (Fact.OPENED,)),
        ("accept", 0.0, True, (Fact.OPENED,)),
        ("vote", 1.0, False, (Fact.OPENED,)),
        ("accept", 1.0, False, (Fact.OPENED,)),
    ],
)
def test_a_subtask_is_held_back_only_where_the_detector_goes_first(mode, audit_share, is_held_back, facts):
    of = brief(detector=detector(mode, audit_share=audit_share))
    decision = domain.open_subtask(of, subtask_id="id", object_key="key", now=T0)
    offered_at = T0 + 30 if is_held_back else T0
    assert (decision.facts, decision.state.offered_at, decision.state.available_at) == (facts, offered_at, offered_at)
    assert domain.may_lease(decision.state, of, operator="ann", now=T0) is not is_held_back
    assert domain.may_lease(decision.state, of, operator="ann", now=T0 + 29.999) is not is_held_back
    assert domain.may_lease(decision.state, of, operator="ann", now=T0 + 30)


PRELABELED = [
    # mode, audited, wait over, label, confidence -> votes, state, shown
    ("off", False, False, "cat", 0.95, 0, "open", False),
    ("suggest", False, False, "cat", 0.95, 0, "open", True),
    ("suggest", True, False, "cat", 0.95, 0, "open", False),
    ("vote", False, False, "cat", 0.3, 1, "open", False),
    ("vote", False, False, None, None, 0, "open", True),
    ("vote", False, True, "cat", 0.95, 0, "open", True),
    ("vote", True, False, "cat", 0.95, 0, "open", False),
    ("accept", False, False, "cat", 0.9, 1, "completed", False),
    ("accept", False, False, "cat", 0.899, 0, "open", True),
    ("accept", False, False, "cat", None, 0, "open", True),
    ("accept", False, False, None, None, 0, "open", True),
    ("accept", False, True, "cat", 0.95, 0, "open", True),
    ("accept", True, False, "cat", 0.95, 0, "open", False),
]


@pytest.mark.parametrize(
    ("mode", "is_audited", "is_late", "label", "confidence", "votes", "state", "is_shown"), PRELABELED
)
def test_what_a_prelabel_does(mode, is_audited, is_late, label, confidence, votes, state, is_shown):
    of = brief(detector=detector(mode, audit_share=float(is_audited)))
    now = T0 + (30 if is_late else 29)
    before = opened(of)
    decision = domain.apply_prelabel(before, of, prelabel=prelabel(label, confidence), now=now)
    after = decision.state
    assert (len(after.votes), after.state) == (votes, state)
    assert decision.facts == ((Fact.COMPLETED,) if state == "completed" else ())
    shown = domain.shown_prelabel(after, of)
    assert shown == (prelabel(label, confidence) if is_shown else None)
    if state == "open":
        assert domain.may_lease(after, of, operator="ann", now=now), "its pre-label has come: people may have it"
    again = domain.apply_prelabel(after, of, prelabel=prelabel("dog", 0.99), now=now + 1)
    assert again.state is after
    assert again.facts == ()


def test_a_detectors_vote_is_one_of_those_required():
    of = brief(detector=detector("vote"))
    seen = domain.apply_prelabel(opened(of), of, prelabel=prelabel(), now=T0 + 1).state
    assert (seen.votes[0].voter, seen.votes[0].label, seen.available_at) == ("detector:m@1", "cat", T0 + 1)
    ended = cast(leased(seen, of, "ann", at=T0 + 1), of, "ann", "cat", at=T0 + 1).state
    assert (ended.state, ended.result.decided_by, len(ended.votes)) == ("completed", "settled", 2)


def test_a_detectors_vote_alone_completes_where_one_is_required():
    of = brief(votes_required=1, detector=detector("vote"))
    decision = domain.apply_prelabel(opened(of), of, prelabel=prelabel(), now=T0)
    assert (decision.state.state, decision.facts) == ("completed", (Fact.COMPLETED,))
    assert decision.state.result.decided_by == "quorum"


def test_an_accepted_subtask_says_that_the_detector_decided():
    of = brief(detector=detector("accept"))
    ended = domain.apply_prelabel(opened(of), of, prelabel=prelabel(), now=T0).state
    assert (ended.result.label, ended.result.agreement, ended.result.decided_by) == ("cat", 1.0, "detector")
    assert [(vote.voter, vote.state) for vote in ended.votes] == [("detector:m@1", "completed")]


def test_a_late_prelabel_never_makes_a_granted_vote_void():
    of = brief(votes_required=1, detector=detector("accept"))
    subtask = leased(opened(of), of, "ann", at=T0 + 30)
    late = domain.apply_prelabel(subtask, of, prelabel=prelabel("dog", 1.0), now=T0 + 31).state
    assert (late.leases, late.available_at) == (subtask.leases, subtask.available_at)
    assert cast(late, of, "ann", "cat", at=T0 + 32).state.result.label == "cat"


def test_a_prelabel_after_the_end_changes_nothing():
    of = brief(detector=detector("suggest"))
    ended = voted(opened(of), of, "cat", "cat")
    assert domain.apply_prelabel(ended, of, prelabel=prelabel(), now=T0).state is ended


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (1.0, 2000)])
def test_nothing_or_everything_is_audited_at_the_ends(share, expected):
    of = brief(detector=detector("vote", audit_share=share))
    assert sum(domain.is_audited(of, f"subtask {i}") for i in range(2000)) == expected


def test_the_audited_share_is_drawn_by_the_id_alone():
    drawn = [
        [domain.is_audited(brief(detector=detector(m, audit_share=0.2)), f"s{i}") for i in range(5000)]
        for m in ("vote", "accept")
    ]
    assert drawn[0] == drawn[1]
    assert 900 < sum(drawn[0]) < 1100


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
    assert domain.tally_of(subtask) == (("dog", 2), ("cat", 1), ("unsure", 3))
