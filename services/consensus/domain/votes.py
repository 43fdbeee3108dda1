"""The votes of a task, as arrays of numbers."""

from dataclasses import dataclass

import numpy as np

from services.consensus.domain.exact import Ints

UNSURE = -1
"""In place of a label: the voter named none."""
NO_LABEL = -1
"""Where there is no label: a tie, or no vote."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Votes:
    """What counts of the votes, one entry each, sorted by image, voter and label.

    A vote for no label says nothing and is left out. A vote that comes twice counts once. A voter who named two labels
    of one image has no vote on it: to keep the first of them would depend on the order. `images`, `voters` and `labels`
    say how many there are; some may be without a vote.
    """

    image: Ints
    voter: Ints
    label: Ints
    images: int
    voters: int
    labels: int
    unsure: int
    """Votes that were left out because they name no label."""
    repeated: int
    """Votes that were left out because the same vote is there."""
    contradicting: int
    """Votes that were left out because their voter named several labels of the image."""

    @property
    def count(self) -> int:
        return len(self.image)

    @property
    def most_of_an_image(self) -> int:
        return int(np.bincount(self.image).max(initial=0))

    @property
    def most_of_a_voter(self) -> int:
        return int(np.bincount(self.voter).max(initial=0))

    def cells(self) -> Ints:
        """The place of each vote in an array with a row for each label, of images."""
        return self.label * self.images + self.image

    def habits(self) -> Ints:
        """The place of each vote in an array with a row for each voter, of labels."""
        return self.voter * self.labels + self.label

    def of_voters(self) -> Ints:
        """How many votes each voter has."""
        return np.bincount(self.voter, minlength=self.voters)

    def tallies(self) -> Ints:
        """How many votes each label has, label by label: a row holds the images."""
        cells = np.bincount(self.cells(), minlength=self.labels * self.images)
        return cells.reshape(self.labels, self.images)


def votes_of(image: Ints, voter: Ints, label: Ints, *, images: int, voters: int, labels: int) -> Votes:
    """The votes that count, of arrays in any order with an entry for each vote; UNSURE for no label."""
    named = label >= 0
    unsure = len(label) - int(np.count_nonzero(named))
    # One number for each vote: sorting numbers is several times as fast as sorting by three arrays.
    keys = np.sort((image[named] * max(voters, 1) + voter[named]) * max(labels, 1) + label[named])
    once = keys[_differs(keys, from_the_one=-1)]
    pairs = once // max(labels, 1)
    kept = once[_differs(pairs, from_the_one=-1) & _differs(pairs, from_the_one=+1)]
    pairs = kept // max(labels, 1)
    return Votes(
        image=pairs // max(voters, 1),
        voter=pairs % max(voters, 1),
        label=kept % max(labels, 1),
        images=images,
        voters=voters,
        labels=labels,
        unsure=unsure,
        repeated=len(keys) - len(once),
        contradicting=len(once) - len(kept),
    )


def _differs(numbers: Ints, *, from_the_one: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether each number differs from its neighbour before (-1) or behind (+1); where there is none, it does."""
    differs = np.ones(len(numbers), np.bool_)
    changes = numbers[1:] != numbers[:-1]
    if from_the_one < 0:
        differs[1:] = changes
    else:
        differs[:-1] = changes
    return differs
