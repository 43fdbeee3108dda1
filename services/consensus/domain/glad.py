"""GLAD (Whitehill and others, 2009): voters have an ability, and images are easy or hard."""

import numpy as np

from services.consensus.domain.em import at_votes
from services.consensus.domain.exact import Floats, Ints, anchor, put_on_grid, summed
from services.consensus.domain.votes import Votes

STEPS = 8
RATE = 0.5
ROUNDS = 60
STILL = 1e-4
MAX_ABILITY = 8.0
MAX_EASE = 4.0
"""The logarithm of how easy an image is lies between this and its negative."""
LEAST_SLOPE = 1e-6
LEAST = 1e-9


class Glad:
    """The probability that a vote is right is the logistic function of ability times easiness. Abilities are believed
    to lie around 1, the logarithms of easiness around 0. Some damped Newton steps a round find both."""

    def __init__(self, votes: Votes) -> None:
        self._votes = votes
        self._ability = np.ones(votes.voters)
        self._ease = np.zeros(votes.images)
        self._terms = max(votes.most_of_a_voter, votes.most_of_an_image)

    def learn(self, posterior: Floats) -> None:
        hits = at_votes(self._votes, posterior)
        for _ in range(STEPS):
            self._step(hits)

    def evidence(self) -> Floats:
        votes = self._votes
        right, _ = self._right()
        right = np.clip(right, LEAST, 1 - LEAST)
        edge = np.log(right) - np.log((1 - right) / max(votes.labels - 1, 1))
        put_on_grid(edge, anchor(-2 * np.log(LEAST) + np.log(max(votes.labels, 1)), self._terms))
        return summed(votes.cells(), edge, votes.labels * votes.images).reshape(votes.labels, votes.images)

    def _step(self, hits: Floats) -> None:
        votes, ability, ease = self._votes, self._ability, self._ease
        right, easiness = self._right()
        missing = hits - right
        slope = np.maximum(right * (1 - right), LEAST_SLOPE)
        weight = ability[votes.voter] * easiness
        up = self._sums(votes.voter, missing * easiness, votes.voters) - (ability - 1)
        up /= self._sums(votes.voter, slope * easiness**2, votes.voters) + 1
        easier = self._sums(votes.image, missing * weight, votes.images) - ease
        easier /= self._sums(votes.image, slope * weight**2, votes.images) + 1
        self._ability = np.clip(ability + RATE * up, -MAX_ABILITY, MAX_ABILITY)
        self._ease = np.clip(ease + RATE * easier, -MAX_EASE, MAX_EASE)

    def _right(self) -> tuple[Floats, Floats]:
        """For each vote the probability that it is right, and how easy its image is."""
        easiness = np.exp(self._ease)[self._votes.image]
        return 1 / (1 + np.exp(-self._ability[self._votes.voter] * easiness)), easiness

    def _sums(self, groups: Ints, terms: Floats, count: int) -> Floats:
        largest = float(np.abs(terms).max(initial=0.0))
        return summed(groups, put_on_grid(terms, anchor(largest, self._terms)), count)
