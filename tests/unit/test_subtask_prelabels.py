"""What a detector's pre-label does to a subtask."""

import pytest

from services.subtask_manager import domain, prelabels
from services.subtask_manager.subtask import Fact
from shared.results import Detection, Rectangle
from tests.unit.subtask_builders import LEASE_S, T0, awaiting, brief, cast, detector, leased, opened, prelabel, voted

EXPIRY = T0 + LEASE_S


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
    decision = domain.open_subtask(of, image=awaiting("id", of), now=T0)
    offered_at = T0 + 30 if is_held_back else T0
    assert (decision.facts, decision.state.offered_at, decision.state.available_at) == (facts, offered_at, offered_at)
    assert domain.may_lease(decision.state, of, operator="ann", now=T0) is not is_held_back
    assert domain.may_lease(decision.state, of, operator="ann", now=T0 + 29.999) is not is_held_back
    assert domain.may_lease(decision.state, of, operator="ann", now=T0 + 30)


def alone(**policy):
    return brief(detector=detector("accept", accept_confidence=0.0, is_alone=True, **policy))


def test_where_the_detector_looks_alone_nobody_else_does_however_late_it_is():
    of = alone()
    before = opened(of)
    assert before.available_at is None
    for now in (T0, T0 + 30, T0 + 10**6):
        assert not domain.may_lease(before, of, operator="ann", now=now)
        after = domain.apply_prelabel(before, of, prelabel=prelabel("cat", 0.01), now=now).state
        assert (after.state, after.result.label, after.result.decided_by) == ("completed", "cat", "detector")
    assert domain.reconsider(before, of, T0 + 30).state is before


@pytest.mark.parametrize(("is_alone", "kept"), [(True, 5), (False, 100)])
def test_where_the_detector_looks_alone_the_surest_of_the_five_surest_classes_is_kept(is_alone, kept):
    labels = tuple("abcdefgh")
    of = brief(labels=labels, detector=detector("accept", is_alone=is_alone))
    place = Rectangle(left=1, top=2, width=3, height=4)
    objects = tuple(
        Detection(label=labels[number % 8], confidence=1 - number / 300, rectangle=place) for number in range(300)
    )
    seen = prelabels.apply_seen(opened(of), of, T0 + 1, model="detector:m@1", objects=objects).state.prelabel
    assert (seen.label, seen.confidence, len(seen.objects)) == ("a", 1.0, kept)
    assert seen.objects[:5] == objects[:5]


@pytest.mark.parametrize("error", ["it is no picture", None])
def test_what_a_detector_alone_does_not_settle_ends_and_waits_for_nobody(error):
    of = alone()
    decision = domain.apply_prelabel(opened(of), of, prelabel=prelabel(None, None), error=error, now=T0 + 99)
    after = decision.state
    assert (after.state, after.votes, after.available_at, after.awaits_adjudicator) == ("disputed", (), None, False)
    assert (after.result.label, after.result.by, after.result.reason) == (None, None, error)
    assert decision.facts == (Fact.DISPUTED,)
    again = domain.apply_prelabel(after, of, prelabel=prelabel("cat", 1.0), now=T0 + 100)
    assert (again.state, again.facts) == (after, ())


def test_an_error_holds_up_no_people_where_they_look_too():
    of = brief(detector=detector("accept"))
    after = domain.apply_prelabel(opened(of), of, prelabel=prelabel(None, None), error="broken", now=T0 + 1).state
    assert (after.state, after.result) == ("open", None)
    assert domain.may_lease(after, of, operator="ann", now=T0 + 1)


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
