"""Expectation and maximisation in turns: what all methods but majority have in common.

A model says how likely the votes on an image are for each label that might be the true one, given what it believes of
voters; and what to believe of voters, given how likely each label is. The two are asked in turns until the answers no
longer move. Every model has priors, so no share is 0 and nothing divides by it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from services.consensus.domain.exact import Floats, Ints, anchor, put_on_grid, summed
from services.consensus.domain.votes import NO_LABEL, Votes

ROUNDS = 100
STILL = 1e-5
"""As little as the posteriors of an image move, on average, once they have settled."""
RIGHT, WRONG = 2.0, 1.0
"""What a voter is believed to have done before any vote is seen: two right, one wrong."""

EachRound = Callable[[int], None]
"""Called after each round with its number. What it raises ends the estimate."""


class Model(Protocol):
    """A belief about voters. Arrays hold a row for each label, of images."""

    def learn(self, posterior: Floats) -> None:
        """Believe of voters what fits these posteriors best."""
        ...

    def evidence(self) -> Floats:
        """For each label and image, the logarithm of how likely the votes on the image are if it were the true label.
        What is the same for all labels of an image may be left out."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimate:
    """What a method says of the images and of the voters."""

    posterior: Floats
    """How likely each label is: a row for each label, of images."""
    label: Ints
    """The likeliest label of each image; NO_LABEL where several are equally likely, or no vote was cast."""
    skill: Floats
    """The share of each voter's votes that are right, as far as the method knows, with the prior's three votes."""
    rounds: int
    has_settled: bool
    """False where the rounds ran out before."""


def shares(votes: Votes) -> Floats:
    """Each label's share of an image's votes; equal shares where there are none."""
    tallies = votes.tallies().astype(np.float64)
    cast = tallies.sum(0)
    tallies[:, cast == 0] = 1.0
    cast[cast == 0] = votes.labels
    tallies /= cast
    return put_on_grid(tallies, posterior_anchor(votes))


def posterior_anchor(votes: Votes) -> float:
    """Posteriors are on a grid on which sums over votes and over images, and of what moved, are exact."""
    return anchor(2.0, max(votes.images, votes.count))


def settle(
    votes: Votes, model: Model, *, rounds: int, still: float, known: Ints | None, each_round: EachRound | None
) -> Estimate:
    """Ask the model in turns. `known`: the true label of each image, NO_LABEL where nobody knows it."""
    posterior = _pinned(shares(votes), known)
    done, has_settled = 0, votes.count == 0
    while not has_settled and done < rounds:
        prior = np.log((posterior.sum(1) + 1) / (votes.images + votes.labels))
        model.learn(posterior)
        evidence = model.evidence()
        evidence += prior[:, None]
        before, posterior = posterior, _pinned(_likelihoods(evidence, posterior_anchor(votes)), known)
        before -= posterior
        has_settled = float(np.abs(before, out=before).sum()) / votes.images < still
        done += 1
        if each_round is not None:
            each_round(done)
    return concluded(votes, posterior, rounds=done, has_settled=has_settled)


def concluded(votes: Votes, posterior: Floats, *, rounds: int, has_settled: bool) -> Estimate:
    """What the posteriors say."""
    hits = summed(votes.voter, at_votes(votes, posterior), votes.voters)
    skill = (hits + RIGHT) / (votes.of_voters() + RIGHT + WRONG)
    label = leading(posterior)
    label[np.bincount(votes.image, minlength=votes.images) == 0] = NO_LABEL
    return Estimate(posterior=posterior, label=label, skill=skill, rounds=rounds, has_settled=has_settled)


def at_votes(votes: Votes, posterior: Floats) -> Floats:
    """For each vote, how likely its label is."""
    return posterior.ravel()[votes.cells()]


def leading(weights: Floats) -> Ints:
    """For each image the label with the largest weight; NO_LABEL where several have it."""
    label = np.full(weights.shape[1], NO_LABEL, np.int64)
    if len(weights):
        leads = (weights == weights.max(0)).sum(0) == 1
        label[leads] = weights.argmax(0)[leads]
    return label


def evidence_of(votes: Votes, edge: Floats, of_vote: Ints) -> Floats:
    """The evidence of a model in which a vote speaks for its own label alone: `edge` says by how much, and `of_vote`
    where each vote finds its own."""
    put_on_grid(edge, anchor(float(np.abs(edge).max(initial=0.0)), votes.most_of_an_image))
    terms = edge.ravel()[of_vote]
    return summed(votes.cells(), terms, votes.labels * votes.images).reshape(votes.labels, votes.images)


def _likelihoods(evidence: Floats, anchored: float) -> Floats:
    """The posteriors, in place of the evidence."""
    evidence -= evidence.max(0)
    likelihood = put_on_grid(np.exp(evidence, out=evidence), anchor(1.0, len(evidence)))
    likelihood /= likelihood.sum(0)
    return put_on_grid(likelihood, anchored)


def _pinned(posterior: Floats, known: Ints | None) -> Floats:
    if known is not None:
        (images,) = np.nonzero(known >= 0)
        posterior[:, images] = 0.0
        posterior[known[images], images] = 1.0
    return posterior
