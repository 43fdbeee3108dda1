from itertools import permutations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.subtask_manager import quorum
from shared.terms import QuorumPolicy
from tests import quorum_oracle as oracle

thoroughly = settings(max_examples=400, derandomize=True, deadline=None, database=None)


@st.composite
def policies(draw, stops=("exact", "settled", "lead"), max_required=6):
    required = draw(st.integers(1, max_required))
    return QuorumPolicy(
        votes_required=required,
        stop=draw(st.sampled_from(stops)),
        lead=draw(st.integers(1, 4)),
        min_agreement=draw(st.sampled_from([0.0, 0.0, 0.3, 0.5, 0.6, 2 / 3, 0.75, 0.8, 1.0])),
        max_votes=required + draw(st.integers(0, 3)),
    )


label_sets = st.builds(
    lambda count, is_unsure: tuple("ABC"[:count]) + (None,) * is_unsure, st.integers(1, 3), st.booleans()
)


@st.composite
def standings(draw, stops=("exact", "settled", "lead")):
    """A policy, what may be voted, and votes that might stand under it."""
    policy, options = draw(policies(stops)), draw(label_sets)
    votes = draw(st.lists(st.sampled_from(options), max_size=policy.max_votes))
    return policy, options, oracle.sorted_votes(votes)


def standing(votes, options):
    return quorum.standing(votes, label_count=sum(o is not None for o in options), allow_unsure=None in options)


@thoroughly
@given(standings())
def test_votes_settle_exactly_when_every_completion_agrees(case):
    policy, options, votes = case
    decided = oracle.decision(policy, votes, options)
    assert quorum.settles(policy, standing(votes, options)) == (decided and decided[1])
    if decided:
        assert quorum.tally(votes)[0][0] == decided[0]


@thoroughly
@given(standings())
def test_the_least_number_of_further_votes_is_the_least_of_all_tried(case):
    policy, options, votes = case
    now = standing(votes, options)
    assume(quorum.settles(policy, now) is None)
    assert quorum.votes_to_settle(policy, now) == oracle.votes_to_settle(policy, votes, options)
    assert quorum.places(policy, now) == oracle.places(policy, votes, options)


@thoroughly
@given(standings())
def test_a_dispute_is_stated_exactly_when_no_votes_can_settle_it(case):
    policy, options, votes = case
    now = standing(votes, options)
    assume(quorum.settles(policy, now) is None)
    assert quorum.is_disputed(policy, now) == oracle.is_disputed(policy, votes, options)


@thoroughly
@given(standings(), st.data())
def test_a_vote_takes_no_more_than_its_own_place_away(case, data):
    """Otherwise somebody with a live lease would be turned away; only a dispute, which nobody's vote can help, may."""
    policy, options, votes = case
    now = standing(votes, options)
    assume(quorum.settles(policy, now) is None and not quorum.is_disputed(policy, now))
    more = standing((*votes, data.draw(st.sampled_from(options))), options)
    if quorum.settles(policy, more):
        assert quorum.places(policy, now) == 1, "the vote that settles it was the last that was asked for"
    elif not quorum.is_disputed(policy, more):
        assert quorum.places(policy, more) >= quorum.places(policy, now) - 1


@thoroughly
@given(standings())
def test_an_open_subtask_always_asks_somebody(case):
    policy, options, votes = case
    now = standing(votes, options)
    assume(quorum.settles(policy, now) is None and not quorum.is_disputed(policy, now))
    assert 1 <= quorum.places(policy, now) <= policy.max_votes - len(votes)


def outcome_of(policy, stream, options):
    """The label (None: disputed) that the rules give a stream of votes, and how many votes it took."""
    for count in range(1, len(stream) + 1):
        now = standing(stream[:count], options)
        if quorum.settles(policy, now):
            return quorum.tally(stream[:count])[0][0], count
        if quorum.is_disputed(policy, now):
            return None, count
    raise AssertionError("a stream of max_votes votes always ends")


@thoroughly
@given(policies(stops=("settled",)), label_sets, st.data())
def test_stopping_early_never_changes_the_answer(policy, options, data):
    stream = tuple(data.draw(st.sampled_from(options)) for _ in range(policy.max_votes))
    exact = QuorumPolicy(
        votes_required=policy.votes_required,
        stop="exact",
        min_agreement=policy.min_agreement,
        max_votes=policy.max_votes,
    )
    label, count = outcome_of(policy, stream, options)
    label_of_all, count_of_all = outcome_of(exact, stream, options)
    assert label == label_of_all
    assert count <= count_of_all
    assert (label, count) == oracle.outcome_of_stream(policy, stream, options)


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(policies(max_required=3), label_sets, st.data())
def test_the_same_votes_say_the_same_in_any_order(policy, options, data):
    votes = data.draw(st.lists(st.sampled_from(options), max_size=5))
    said = set()
    for order in permutations(votes):
        now = standing(order, options)
        decided_by = quorum.settles(policy, now)
        said.add((decided_by, quorum.tally(order), decided_by or quorum.is_disputed(policy, now)))
    assert len(said) == 1


@settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(policies(stops=("exact", "settled"), max_required=4), label_sets, st.data())
def test_the_same_first_votes_lead_to_the_same_label_in_any_order(policy, options, data):
    """Of the votes that `votes_required` asks for: the order may end it sooner, never otherwise."""
    votes = [data.draw(st.sampled_from(options)) for _ in range(policy.votes_required)]
    if oracle.winner_of(policy, tuple(votes)) is None:
        return
    ends = {outcome_of(policy, order, options)[0] for order in set(permutations(votes))}
    assert len(ends) == 1
