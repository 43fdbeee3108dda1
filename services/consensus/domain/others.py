"""Voters beside the others: what the votes on an image say without a voter's own.

A voter who is compared with a result that their own vote helped to make agrees with themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.consensus.domain.exact import Ints
from services.consensus.domain.votes import NO_LABEL, Votes

BUSIEST = 100
"""Pairs are looked for among as many voters, those with the most votes."""
PAIRS = 50
AT_A_TIME = 65_536
"""Images whose labels by the busiest voters are in memory together."""
TWO = 2

Confusion = Mapping[tuple[int, int], int]
"""How often the first voter named one label where the second named another; only what there was."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pair:
    """Two voters, and how often they named which labels of one image."""

    first: int
    second: int
    confusion: Confusion

    @property
    def common(self) -> int:
        """On how many images both voted."""
        return sum(self.confusion.values())

    @property
    def alike(self) -> int:
        return sum(times for (one, other), times in self.confusion.items() if one == other)


def winners_without(votes: Votes) -> Ints:
    """For each vote the label that leads among the other votes on its image; NO_LABEL in a tie, or without others."""
    tallies = votes.tallies()
    top = tallies.max(0, initial=0)
    is_top = tallies == top
    leaders = is_top.sum(0)
    # Of one leader or two, the sum of their numbers tells the one, or from one the other.
    sums = (is_top * np.arange(votes.labels)[:, None]).sum(0)
    second = np.where(is_top, 0, tallies).max(0, initial=0)
    return _without_own(votes, top, leaders, sums, second)


def _without_own(votes: Votes, top: Ints, leaders: Ints, sums: Ints, second: Ints) -> Ints:
    image, label = votes.image, votes.label
    own = votes.tallies()[label, image]
    leads, count = own == top[image], leaders[image]
    still_leads = (count == 1) & (top[image] - 1 > second[image])
    winner = np.full(votes.count, NO_LABEL, np.int64)
    winner[~leads & (count == 1)] = sums[image][~leads & (count == 1)]
    winner[leads & still_leads] = label[leads & still_leads]
    loses = leads & (count == TWO)
    winner[loses] = (sums[image] - label)[loses]
    return winner


def with_others(votes: Votes, winners: Ints) -> tuple[Ints, Ints]:
    """How many votes of each voter name what the others say, and how many there are to compare."""
    compared = winners != NO_LABEL
    alike = compared & (winners == votes.label)
    return (
        np.bincount(votes.voter[alike], minlength=votes.voters),
        np.bincount(votes.voter[compared], minlength=votes.voters),
    )


def confusion_with_others(votes: Votes, winners: Ints, voter: int) -> Confusion:
    """How often the others say a label where this voter named one: a person's confusion, or the detector's."""
    chosen = (votes.voter == voter) & (winners != NO_LABEL)
    return _confusion(winners[chosen], votes.label[chosen])


def pairs(votes: Votes) -> list[Pair]:
    """The pairs with the most images in common, among the busiest voters. Of equals, the first by number."""
    cast = votes.of_voters()
    busiest = np.sort(np.argsort(-cast, kind="stable")[:BUSIEST])
    common = _common(votes, busiest)
    first, second = np.nonzero(np.triu(common, 1))
    order = np.argsort(-common[first, second], kind="stable")[:PAIRS]
    return [_pair(votes, int(busiest[first[n]]), int(busiest[second[n]])) for n in order]


def _common(votes: Votes, voters: Ints) -> Ints:
    """On how many images each two of the voters both voted."""
    place = np.full(votes.voters, -1)
    place[voters] = np.arange(len(voters))
    common = np.zeros((len(voters), len(voters)))
    for start in range(0, votes.images, AT_A_TIME):
        low, high = np.searchsorted(votes.image, [start, start + AT_A_TIME])
        has_voted = np.zeros((len(voters), AT_A_TIME), np.float32)  # small whole numbers: any order adds up the same
        rows, columns = place[votes.voter[low:high]], votes.image[low:high] - start
        has_voted[rows[rows >= 0], columns[rows >= 0]] = 1
        common += has_voted @ has_voted.T
    return common.astype(np.int64)


def _pair(votes: Votes, first: int, second: int) -> Pair:
    named = np.full((TWO, votes.images), NO_LABEL)
    for row, voter in enumerate((first, second)):
        mine = votes.voter == voter
        named[row, votes.image[mine]] = votes.label[mine]
    both = (named != NO_LABEL).all(0)
    return Pair(first=first, second=second, confusion=_confusion(named[0, both], named[1, both]))


def _confusion(first: Ints, second: Ints) -> Confusion:
    found, times = np.unique(np.stack((first, second)), axis=1, return_counts=True)
    return {(one, other): count for one, other, count in zip(*found.tolist(), times.tolist(), strict=True)}
