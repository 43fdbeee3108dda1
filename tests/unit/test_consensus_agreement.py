"""Agreement of voters, with each other and with the detector: published figures, and a slow oracle."""

import math

import numpy as np
import pytest
from hypothesis import given

from services.consensus.domain.agreement import agreement_of, fleiss_kappa, krippendorff_alpha
from services.consensus.domain.gold import accuracy_of, beside_majority, hits
from services.consensus.domain.intervals import share_of
from services.consensus.domain.others import confusion_with_others, pairs, winners_without, with_others
from services.consensus.domain.reliability import reliability_of
from services.consensus.domain.votes import NO_LABEL
from tests.unit import consensus_oracle
from tests.unit.consensus_votes import any_votes, crowd, numbered

_ = None
DATA_C = [  # Krippendorff, 2011: "Computing Krippendorff's alpha-reliability", part C; a row is an observer
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
]
DATA_A = [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]  # part A
FLEISS = [  # Fleiss, 1971, as often reprinted: 10 subjects, 14 raters, 5 categories
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]


def of_observers(data):
    return numbered(
        [(unit, by, value) for by, row in enumerate(data) for unit, value in enumerate(row) if value is not None]
    )


@pytest.mark.parametrize(("data", "alpha"), [(DATA_C, 0.743), (DATA_A, 0.095)])
def test_published_alpha(data, alpha: float):
    assert krippendorff_alpha(of_observers(data).tallies()) == pytest.approx(alpha, abs=5e-4)


def test_published_kappa():
    assert fleiss_kappa(np.array(FLEISS).T) == pytest.approx(0.210, abs=5e-4)


@given(votes=any_votes())
def test_alpha_beside_the_oracle(votes):
    slow = consensus_oracle.alpha(votes)
    assert krippendorff_alpha(numbered(votes).tallies()) == (None if slow is None else pytest.approx(slow, abs=1e-12))


NO_KAPPA = {
    "there are no votes": [],
    "there is one vote on each image": [(0, 0, 0), (1, 0, 1)],
    "images have from 1 to 2 votes, and kappa needs the same number on all": [(0, 0, 0), (0, 1, 1), (1, 0, 0)],
    "all votes name one label": [(0, 0, 0), (0, 1, 0)],
}


@pytest.mark.parametrize(("why", "votes"), NO_KAPPA.items(), ids=NO_KAPPA)
def test_kappa_only_where_it_is_defined(why: str, votes):
    found = agreement_of(numbered(votes))
    assert (found.kappa, found.why_no_kappa) == (None, why)


def test_votes_per_image():
    found = agreement_of(numbered([(0, 0, 0), (0, 1, 1), (1, 0, 0), (1, 1, 1)], images=3))
    assert found.votes_per_image == {0: 1, 2: 2}
    assert found.kappa == pytest.approx(-1)
    assert found.why_no_kappa is None


@given(votes=any_votes())
def test_winners_without_a_voters_own_vote(votes):
    votes.sort()
    found = winners_without(numbered(votes))
    slow = [consensus_oracle.winner_without(votes, vote) for vote in votes]
    assert [None if one == NO_LABEL else one for one in found.tolist()] == slow


def test_nobody_agrees_with_themselves():
    votes = numbered([(0, 0, 0), (1, 1, 1), (2, 0, 0), (2, 1, 1), (2, 2, 1)])
    alike, compared = with_others(votes, winners_without(votes))
    assert compared.tolist() == [1, 0, 0]  # on two images alone, and one against one
    assert alike.tolist() == [0, 0, 0]


def test_confusion_of_a_voter_with_the_others():
    votes = numbered(
        [(image, voter, 0) for image in range(4) for voter in range(2)] + [(0, 2, 0), (1, 2, 1), (2, 2, 1)]
    )
    assert confusion_with_others(votes, winners_without(votes), 2) == {(0, 0): 1, (0, 1): 2}


def test_pairs_with_the_most_in_common():
    votes = [(image, voter, image % 2) for image in range(30) for voter in range(3) if image < 30 - 10 * voter]
    votes[votes.index((9, 2, 1))] = (9, 2, 0)
    first, second, third = pairs(numbered(votes))
    assert [(pair.first, pair.second, pair.common) for pair in (first, second, third)] == [
        (0, 1, 20), (0, 2, 10), (1, 2, 10),
    ]  # fmt: skip
    assert [pair.alike for pair in (first, second, third)] == [20, 9, 9]
    assert first.confusion == {(0, 0): 10, (1, 1): 10}


def test_pairs_are_bounded():
    assert len(pairs(numbered(crowd(1, images=200, voters=150, labels=2, each=40)))) == 50


def tail(low: int, high: int, seen: int, share: float) -> float:
    """How likely so many of `seen` are right."""
    return sum(math.comb(seen, right) * share**right * (1 - share) ** (seen - right) for right in range(low, high + 1))


@pytest.mark.parametrize("seen", [1, 2, 7, 30, 200])
def test_intervals_invert_the_binomial_test(seen: int):
    for right in {0, 1, seen // 3, seen // 2, seen - 1, seen}:
        found = share_of(right, seen)
        if right:
            assert tail(right, seen, seen, found.low) == pytest.approx(0.025, abs=1e-9)
        if right < seen:
            assert tail(0, right, seen, found.high) == pytest.approx(0.025, abs=1e-9)
        assert 0 <= found.low <= right / seen <= found.high <= 1


def test_published_interval():
    """4 of 20, as in many tables: 5.7 to 43.7 %."""
    found = share_of(4, 20)
    assert (found.low, found.high) == pytest.approx((0.0573, 0.4366), abs=5e-5)


def test_intervals_at_the_ends_and_of_many():
    assert (share_of(0, 0).low, share_of(0, 0).high, share_of(0, 0).value) == (0, 1, None)
    assert (share_of(0, 5).low, share_of(5, 5).high) == (0, 1)
    many = share_of(500_000, 1_000_000)
    assert (many.low, many.high) == pytest.approx((0.49902, 0.50098), abs=1e-5)


def test_reliability_of_the_detector():
    told = np.array([0, 0, 0, 2, 2, NO_LABEL, 1])
    truth = np.array([0, 0, 1, 2, 2, 0, NO_LABEL])
    found = reliability_of(told, truth)
    assert (found.overall.right, found.overall.seen) == (4, 5)
    assert {label: (one.right, one.seen) for label, one in found.by_label.items()} == {0: (2, 3), 2: (2, 2)}
    assert found.by_label[2].low == pytest.approx(0.1581, abs=5e-5)
    assert reliability_of(told[:0], truth[:0]).overall.seen == 0


def test_ties_are_part_of_a_hit():
    posterior = np.array([[0.5, 1.0, 0.2], [0.5, 0.0, 0.8]])
    assert hits(posterior, np.array([0, 1, 1])).tolist() == [0.5, 0, 1]
    assert hits(posterior, np.array([NO_LABEL, NO_LABEL, 0])).tolist() == [0]
    found = accuracy_of(np.array([0.5, 0, 1]), 4)
    assert (found.right, found.seen, found.low, found.high) == (1.5, 4, share_of(1, 4).low, share_of(2, 4).high)


@pytest.mark.parametrize(
    ("better", "worse", "told"), [(6, 0, "better"), (0, 6, "worse"), (5, 0, "no difference"), (0, 0, "no difference")]
)
def test_beside_majority(better: int, worse: int, told: str):
    hit = np.array([1.0] * better + [0.0] * worse + [1.0] * 90)
    majority = np.array([0.0] * better + [1.0] * worse + [1.0] * 90)
    assert beside_majority(hit, majority) == told
