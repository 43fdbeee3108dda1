"""Dawid and Skene, 1979: a voter has a habit for each true label, a confusion matrix."""

import numpy as np

from services.consensus.domain.exact import Floats, anchor, put_on_grid, summed
from services.consensus.domain.votes import Votes

DIAGONAL = 2.0
"""Votes that every voter is believed to have cast rightly on each label beforehand, beside one for any label. With
three to five votes on an image, it is this that keeps the method from believing in accidents."""


class DawidSkene:
    def __init__(self, votes: Votes) -> None:
        self._votes = votes
        self._pair = votes.habits()
        self._most = votes.most_of_an_image
        self._log = np.zeros((votes.labels, votes.voters, votes.labels))
        """The logarithm of how often a voter names a label: by true label, voter, and label named."""

    def learn(self, posterior: Floats) -> None:
        votes, count = self._votes, self._log
        for true in range(votes.labels):
            terms = posterior[true][votes.image]
            count[true] = summed(self._pair, terms, votes.voters * votes.labels).reshape(votes.voters, votes.labels)
        cast = count.sum(2) + (1 + DIAGONAL)  # exact so far: what follows does not add up over labels
        count += 1 / votes.labels
        labels = np.arange(votes.labels)
        count[labels, :, labels] += DIAGONAL
        count /= cast[:, :, None]
        np.log(count, out=count)
        put_on_grid(count, anchor(-float(count.min(initial=0.0)), self._most))

    def evidence(self) -> Floats:
        votes = self._votes
        evidence = np.empty((votes.labels, votes.images))
        for true in range(votes.labels):
            evidence[true] = summed(votes.image, self._log[true].ravel()[self._pair], votes.images)
        return evidence
