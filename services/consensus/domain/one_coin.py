"""One coin: a voter is right with one probability whatever the truth is, and else names any other label alike."""

import numpy as np

from services.consensus.domain.em import RIGHT, WRONG, at_votes, evidence_of
from services.consensus.domain.exact import Floats, summed
from services.consensus.domain.votes import Votes


class OneCoin:
    def __init__(self, votes: Votes) -> None:
        self._votes = votes
        self._cast = votes.of_voters()
        self._right = np.zeros(votes.voters)

    def learn(self, posterior: Floats) -> None:
        hits = summed(self._votes.voter, at_votes(self._votes, posterior), self._votes.voters)
        self._right = (hits + RIGHT) / (self._cast + RIGHT + WRONG)

    def evidence(self) -> Floats:
        others = max(self._votes.labels - 1, 1)
        edge = np.log(self._right) - np.log((1 - self._right) / others)
        return evidence_of(self._votes, edge, self._votes.voter)
