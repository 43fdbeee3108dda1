"""Estimates of true labels: what they are on public votes, beside a slow oracle, and where there is little to go by."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.consensus.domain.book import VoteBook
from services.consensus.domain.em import STILL
from services.consensus.domain.glad import STILL as GLAD_STILL
from services.consensus.domain.gold import hits
from services.consensus.domain.limits import MAX_VOTES, why_not, why_too_large
from services.consensus.domain.methods import METHODS, MODELS, estimate
from services.consensus.domain.votes import NO_LABEL, UNSURE, votes_of
from tests.unit import consensus_oracle
from tests.unit.consensus_votes import SETS, any_votes, crowd, needs_public_votes, numbered, public_rows

MAJORITY = {"bluebirds_cubam": 0.7593, "cf_amt": 0.8533, "sp_amt": 0.9430}
AT_LEAST = {"bluebirds_cubam": 0.889, "cf_amt": 0.840, "sp_amt": 0.944}


def accuracy_on(name: str, method: str) -> float:
    book = VoteBook()
    for row in public_rows(name, "votes.csv"):
        book.add(row["task"], row["worker"], row["label"])
    counted = book.counted()
    truth = {row["task"]: row["label"] for row in public_rows(name, "gold.csv")}
    known = np.array([counted.labels.index(truth[task]) for task in counted.images])
    return float(hits(estimate(method, counted.votes).posterior, known).mean())


@needs_public_votes
@pytest.mark.parametrize("name", SETS)
def test_majority_on_public_votes(name: str):
    assert accuracy_on(name, "majority") == pytest.approx(MAJORITY[name], abs=1e-4)


@needs_public_votes
@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("method", ["ds", "mace"])
def test_estimates_on_public_votes(name: str, method: str):
    assert accuracy_on(name, method) >= AT_LEAST[name] - 0.002


@pytest.mark.parametrize("method", MODELS)
@pytest.mark.parametrize("seed", range(30))
def test_beside_the_oracle(method: str, seed: int):
    chance = np.random.default_rng(seed)
    images, voters, labels = (int(chance.integers(low, high)) for low, high in ((1, 10), (1, 7), (1, 5)))
    votes = crowd(seed, images=images, voters=voters, labels=labels, each=int(chance.integers(1, voters + 1)))
    rounds = 12  # far enough to see every step, and not so far that rounding grows
    still = GLAD_STILL if method == "glad" else STILL
    slow = consensus_oracle.estimate(
        method, votes, images=images, voters=voters, labels=labels, rounds=rounds, still=still
    )
    fast = estimate(method, numbered(votes, images=images, voters=voters, labels=labels), rounds=rounds)
    wanted = [[slow[image][label] for image in range(images)] for label in range(labels)]
    np.testing.assert_allclose(fast.posterior, wanted, atol=1e-9)


@pytest.mark.parametrize("method", ["ds", "one-coin", "mace"])
@pytest.mark.parametrize("seed", range(5))
def test_the_votes_are_never_less_likely_after_a_round(method: str, seed: int):
    """Of the oracle, which `test_beside_the_oracle` holds the code to."""
    likely: list[float] = []
    votes = crowd(seed, images=12, voters=5, labels=3, each=3)
    consensus_oracle.estimate(method, votes, images=12, voters=5, labels=3, rounds=30, still=0, each=likely.append)
    assert np.diff(likely).min() >= -1e-9


@pytest.mark.parametrize("method", MODELS)
def test_who_is_always_wrong_is_found_out(method: str):
    truth = [image % 2 for image in range(40)]
    votes = [(image, voter, truth[image]) for image in range(40) for voter in range(4)]
    votes += [(image, 4, 1 - truth[image]) for image in range(40)]
    found = estimate(method, numbered(votes))
    assert found.skill[4] < 0.5 < found.skill[:4].min()
    assert found.label.tolist() == truth


def test_dawid_skene_takes_a_liar_the_other_way_round():
    truth = [image % 2 for image in range(40)]
    honest = [(image, voter, truth[image]) for image in range(39) for voter in range(3)]
    liar = [(image, 3, 1 - truth[image]) for image in range(40)]
    assert estimate("ds", numbered(honest + liar)).label[39] == truth[39]
    assert estimate("majority", numbered(honest + liar)).label[39] != truth[39]


@pytest.mark.parametrize("method", MODELS)
def test_known_labels_stay_and_teach(method: str):
    votes = numbered([(image, voter, voter % 2) for image in range(6) for voter in range(3)])
    known = np.array([1, 1, 1, NO_LABEL, NO_LABEL, NO_LABEL])
    found = estimate(method, votes, known=known)
    assert found.posterior[1, :3].tolist() == [1, 1, 1]
    assert found.skill[1] > found.skill[0]


@pytest.mark.parametrize("method", MODELS)
def test_where_all_is_known_skill_is_the_share_with_its_prior(method: str):
    votes = numbered([(image, voter, int(image >= voter)) for image in range(8) for voter in range(4)])
    found = estimate(method, votes, known=np.ones(8, np.int64))
    assert found.skill.tolist() == [(8 - voter + 2) / 11 for voter in range(4)]
    assert found.label.tolist() == [1] * 8


LITTLE = {
    "no votes": ([], 0, 0, 0),
    "images without votes": ([], 3, 2, 2),
    "one vote": ([(0, 0, 0)], 1, 1, 1),
    "one label": ([(0, 0, 0), (0, 1, 0), (1, 0, 0)], 2, 2, 1),
    "one voter": ([(image, 0, image % 3) for image in range(9)], 9, 1, 3),
    "no overlap": ([(image, image, image % 2) for image in range(6)], 6, 6, 2),
    "all ties": ([(image, voter, voter) for image in range(4) for voter in range(2)], 4, 2, 2),
    "an image without a vote": ([(0, 0, 1), (2, 0, 0)], 3, 1, 2),
    "all unsure": ([(0, 0, UNSURE), (1, 1, UNSURE)], 2, 2, 2),
    "a label that nobody names": ([(0, 0, 0), (1, 0, 1)], 2, 1, 4),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("votes", "images", "voters", "labels"), LITTLE.values(), ids=LITTLE)
def test_little_to_go_by(method: str, votes, images: int, voters: int, labels: int):
    found = estimate(method, numbered(votes, images=images, voters=voters, labels=labels))
    assert found.posterior.shape == (labels, images)
    assert np.isfinite(found.posterior).all()
    assert np.isfinite(found.skill).all()
    if labels:
        np.testing.assert_allclose(found.posterior.sum(0), 1, atol=1e-9)
    voted = {image for image, _, label in votes if label != UNSURE}
    assert all(found.label[image] == NO_LABEL for image in range(images) if image not in voted)


@pytest.mark.parametrize("method", METHODS)
def test_ties_have_no_label(method: str):
    found = estimate(method, numbered([(image, voter, voter) for image in range(4) for voter in range(2)]))
    assert found.label.tolist() == [NO_LABEL] * 4


@pytest.mark.parametrize("method", METHODS)
@given(votes=any_votes())
def test_a_label_is_the_likeliest(method: str, votes):
    found = estimate(method, numbered(votes, images=1, labels=1), rounds=3)
    for image, label in enumerate(found.label.tolist()):
        if label != NO_LABEL:
            others = np.delete(found.posterior[:, image], label)
            assert (found.posterior[label, image] > others).all()


def test_rounds_end_and_are_told():
    told: list[int] = []
    votes = numbered(crowd(1, images=50, voters=9, labels=3, each=3))
    found = estimate("ds", votes, rounds=2, each_round=told.append)
    assert (told, found.rounds, found.has_settled) == ([1, 2], 2, False)
    assert estimate("ds", votes).has_settled


def test_votes_that_count():
    votes = numbered([(0, 0, 1), (0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 2, UNSURE), (1, 2, 0), (0, 1, 0)])
    assert list(zip(votes.image, votes.voter, votes.label, strict=True)) == [(0, 0, 1), (1, 2, 0)]
    assert (votes.unsure, votes.repeated, votes.contradicting) == (1, 2, 2)


@given(votes=any_votes(), seed=some.integers(0, 9))
def test_votes_are_sorted_however_they_come(votes, seed: int):
    found = numbered(votes)
    shuffled = [votes[at] for at in np.random.default_rng(seed).permutation(len(votes))]
    again = numbered(shuffled)
    assert list(zip(found.image, found.voter, found.label, strict=True)) == sorted(votes)
    assert [found.image.tobytes(), found.label.tobytes()] == [again.image.tobytes(), again.label.tobytes()]


def test_bounds():
    none = np.zeros(0, np.int64)
    wide = votes_of(none, none, none, images=1, voters=60_000, labels=1_000)
    assert why_not("ds", wide) == "not for so many labels: 60000 voters with 1000 labels"
    assert why_not("mace", wide) == "not for so many voters: 60000 with 1000 labels"
    assert [why_not(method, wide) for method in ("majority", "one-coin", "glad")] == [None] * 3
    assert why_too_large(wide) is None
    assert "20001 images with 1000 labels" in str(
        why_too_large(votes_of(none, none, none, images=20_001, voters=1, labels=1_000))
    )
    many = np.arange(MAX_VOTES + 1)
    assert "5000001 votes" in str(
        why_too_large(votes_of(many, many * 0, many * 0, images=len(many), voters=1, labels=1))
    )
