"""What is found out about votes: an estimate by each method, and how far voters agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.consensus.domain.agreement import Agreement, agreement_of
from services.consensus.domain.book import Counted
from services.consensus.domain.em import EachRound, Estimate
from services.consensus.domain.exact import Floats, Ints
from services.consensus.domain.gold import Accuracy, BesideMajority, accuracy_of, beside_majority, hits
from services.consensus.domain.limits import why_not, why_too_large
from services.consensus.domain.methods import MAJORITY, estimate
from services.consensus.domain.others import (
    Confusion,
    Pair,
    confusion_with_others,
    pairs,
    winners_without,
    with_others,
)
from services.consensus.domain.reliability import Reliability, reliability_of
from services.consensus.domain.votes import NO_LABEL, Votes
from shared.errors import Invalid, TooLarge

DETECTOR = "detector:"
"""How the names of voters begin that are no people."""
MAX_DETECTORS = 10
"""As many are compared, those with the most votes: each label of each takes an interval."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gold:
    """True labels, as far as they can be compared."""

    known: Ints
    """The true label of each image, NO_LABEL where nobody knows it or no vote names it."""
    seen: int
    """Images with a true label, whether a vote names it or not."""
    elsewhere: int
    """True labels of images without a vote."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ByMethod:
    """What one method found. Of the posteriors only the highest is kept: with several methods they would be most of the
    memory."""

    method: str
    label: Ints
    sureness: Floats
    """How likely the likeliest label of each image is."""
    skill: Floats
    rounds: int
    has_settled: bool
    off_majority: int
    """Images on which both have a label and they differ."""
    accuracy: Accuracy | None
    beside_majority: BesideMajority | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """How a detector that votes does beside the people."""

    reliability: Reliability
    confusion: Confusion
    """How often the others say a label where it named one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Voters:
    """How voters do beside the others, whom no vote of theirs counts among."""

    votes: Ints
    alike: Ints
    """Votes for the label that leads among the others' votes on the image."""
    compared: Ints
    """Votes on images where one label leads so."""
    pairs: Sequence[Pair]
    detectors: Mapping[str, Detector]


def refuse_too_large(methods: Sequence[str], votes: Votes) -> None:
    """Raise TooLarge where a method cannot do so many votes."""
    if why := why_too_large(votes):
        raise TooLarge(why)
    for method in methods:
        if why := why_not(method, votes):
            raise TooLarge(f"{method}: {why}; leave it out, or some of the votes")


def gold_of(truths: Mapping[str, str], counted: Counted) -> Gold:
    """The true labels, by the numbers of the votes."""
    places = {name: place for place, name in enumerate(counted.images)}
    labels = {name: number for number, name in enumerate(counted.labels)}
    known = np.full(len(counted.images), NO_LABEL, np.int64)
    common = truths.keys() & places.keys()
    for task in common:
        known[places[task]] = labels.get(truths[task], NO_LABEL)
    if not common:
        raise Invalid("the file of true labels names no task that has a vote")
    return Gold(known=known, seen=len(common), elsewhere=len(truths) - len(common))


class Finder:
    """Asks one method after the other, each compared with majority."""

    def __init__(self, votes: Votes, gold: Gold | None) -> None:
        self._votes = votes
        self._gold = gold
        majority = estimate(MAJORITY, votes)
        self._majority = majority.label
        self._majority_hits = None if gold is None else hits(majority.posterior, gold.known)

    def find(self, method: str, each_round: EachRound) -> ByMethod:
        found = estimate(method, self._votes, each_round=each_round)
        accuracy, beside = self._measured(found)
        both = (found.label != NO_LABEL) & (self._majority != NO_LABEL)
        return ByMethod(
            method=method,
            label=found.label,
            sureness=found.posterior.max(0, initial=0.0),
            skill=found.skill,
            rounds=found.rounds,
            has_settled=found.has_settled,
            off_majority=int(np.count_nonzero(both & (found.label != self._majority))),
            accuracy=accuracy,
            beside_majority=None if method == MAJORITY else beside,
        )

    def _measured(self, found: Estimate) -> tuple[Accuracy | None, BesideMajority | None]:
        if self._gold is None or self._majority_hits is None:
            return None, None
        hit = hits(found.posterior, self._gold.known)
        return accuracy_of(hit, self._gold.seen), beside_majority(hit, self._majority_hits)


def agreement_found(counted: Counted) -> tuple[Agreement, Voters]:
    """How far the voters agree, in all and each with the others."""
    votes = counted.votes
    winners = winners_without(votes)
    alike, compared = with_others(votes, winners)
    voters = Voters(
        votes=votes.of_voters(),
        alike=alike,
        compared=compared,
        pairs=pairs(votes),
        detectors=_detectors(counted, winners),
    )
    return agreement_of(votes), voters


def _detectors(counted: Counted, winners: Ints) -> dict[str, Detector]:
    cast = counted.votes.of_voters()
    named = [voter for voter, name in enumerate(counted.voters) if name.startswith(DETECTOR)]
    busiest = sorted(named, key=lambda voter: -cast[voter])[:MAX_DETECTORS]
    return {counted.voters[voter]: _detector(counted.votes, winners, voter) for voter in busiest}


def _detector(votes: Votes, winners: Ints, voter: int) -> Detector:
    mine = votes.voter == voter
    return Detector(
        reliability=reliability_of(votes.label[mine], winners[mine]),
        confusion=confusion_with_others(votes, winners, voter),
    )
