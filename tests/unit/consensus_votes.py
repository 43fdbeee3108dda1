"""Votes for the tests of consensus: made up, simulated, and the public ones."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as some

from services.consensus.domain.votes import Votes, votes_of
from tests.unit.consensus_oracle import Vote

PUBLIC = Path(__file__).parents[3] / "shared/assets/votes"
SETS = ("bluebirds_cubam", "cf_amt", "sp_amt")
needs_public_votes = pytest.mark.skipif(not PUBLIC.is_dir(), reason=f"the public votes are not at {PUBLIC}")


def numbered(votes: Sequence[Vote], *, images: int = 0, voters: int = 0, labels: int = 0) -> Votes:
    """As many of each as are named, or as are said."""
    image, voter, label = (np.array([vote[at] for vote in votes], np.int64) for at in range(3))
    return votes_of(
        image,
        voter,
        label,
        images=max(images, int(image.max(initial=-1)) + 1),
        voters=max(voters, int(voter.max(initial=-1)) + 1),
        labels=max(labels, int(label.max(initial=-1)) + 1),
    )


def crowd(seed: int, *, images: int, voters: int, labels: int, each: int, skill: float = 0.7) -> list[Vote]:
    """Votes of people who are right more often or less."""
    chance = np.random.default_rng(seed)
    skills = np.clip(chance.normal(skill, 0.15, voters), 0.05, 0.98)
    votes = []
    for image in range(images):
        truth = int(chance.integers(labels))
        for voter in chance.choice(voters, each, replace=False).tolist():
            is_right = chance.random() < skills[voter]
            votes.append((image, voter, truth if is_right else int(chance.integers(labels))))
    return votes


@some.composite
def any_votes(draw: some.DrawFn) -> list[Vote]:
    """A few votes, each voter once on an image, in any pattern."""
    images, voters, labels = draw(some.integers(1, 9)), draw(some.integers(1, 7)), draw(some.integers(1, 4))
    pairs = draw(some.lists(some.tuples(some.integers(0, images - 1), some.integers(0, voters - 1)), unique=True))
    return [(image, voter, draw(some.integers(0, labels - 1))) for image, voter in pairs]


def public_rows(name: str, file: str) -> list[dict[str, str]]:
    with (PUBLIC / name / file).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))
