"""MACE (Hovy and others, 2013): a voter either knows the label, or names one by habit whatever the truth is."""

import numpy as np

from services.consensus.domain.em import at_votes, evidence_of
from services.consensus.domain.exact import Floats, anchor, put_on_grid, summed
from services.consensus.domain.votes import Votes

KNEW, GUESSED = 1.0, 1.0
"""Votes that every voter is believed to have cast beforehand, knowing and guessing."""
HABIT = 0.5
"""Votes that every voter is believed to have cast by habit on each label."""
FIRST = 0.8
"""How often voters know the label, before the first round."""
LEAST = 1e-6


class Mace:
    def __init__(self, votes: Votes) -> None:
        self._votes = votes
        self._pair = votes.habits()
        size = (votes.voters, votes.labels)
        self._cast = np.bincount(self._pair, minlength=votes.voters * votes.labels).reshape(size)
        self._grid = anchor(float(votes.most_of_a_voter), votes.labels)
        self._knows = np.full(votes.voters, FIRST)
        self._habit = np.full(size, 1 / max(votes.labels, 1))

    def learn(self, posterior: Floats) -> None:
        hits = summed(self._pair, at_votes(self._votes, posterior), self._cast.size).reshape(self._cast.shape)
        # Of the votes that hit the truth, as many as a voter knew; a voter and a label have one share of them.
        knows = self._knows[:, None]
        knew = put_on_grid(hits * (knows / (knows + (1 - knows) * self._habit)), self._grid)
        cast, all_knew = self._cast.sum(1), knew.sum(1)
        self._knows = np.clip((all_knew + KNEW) / (cast + KNEW + GUESSED), LEAST, 1 - LEAST)
        guessed = cast - all_knew + HABIT * self._votes.labels
        self._habit = (self._cast - knew + HABIT) / guessed[:, None]

    def evidence(self) -> Floats:
        by_habit = (1 - self._knows)[:, None] * self._habit
        edge = np.log(by_habit + self._knows[:, None]) - np.log(by_habit)
        return evidence_of(self._votes, edge, self._pair)
