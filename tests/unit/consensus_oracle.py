"""The estimates once more, slowly: dictionaries and loops, written from the papers and not from the code.

Votes are triples of image, voter, label. A posterior is a dictionary from image to a dictionary from label.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations

Vote = tuple[int, int, int]
Posterior = dict[int, dict[int, float]]


def majority(votes: Sequence[Vote], images: int, labels: int) -> Posterior:
    tally = Counter((image, label) for image, _, label in votes)
    cast = Counter(image for image, _, _ in votes)
    return {
        image: {k: tally[image, k] / cast[image] if cast[image] else 1 / labels for k in range(labels)}
        for image in range(images)
    }


class SlowDawidSkene:
    def __init__(self, votes, images, voters, labels):
        self.votes, self.images, self.voters, self.labels = votes, images, voters, labels

    def learn(self, p: Posterior):
        self.confusion = {}
        for voter in range(self.voters):
            for true in range(self.labels):
                row = [1 / self.labels + (2 if named == true else 0) for named in range(self.labels)]
                for image, by, named in self.votes:
                    if by == voter:
                        row[named] += p[image][true]
                self.confusion[voter, true] = [one / sum(row) for one in row]

    def chance(self, image, voter, label, true) -> float:
        return self.confusion[voter, true][label]

    def log_prior(self) -> float:
        return sum(
            (1 / self.labels + (2 if named == true else 0)) * math.log(share)
            for (_, true), row in self.confusion.items()
            for named, share in enumerate(row)
        )


class SlowOneCoin:
    def __init__(self, votes, images, voters, labels):
        self.votes, self.images, self.voters, self.labels = votes, images, voters, labels

    def learn(self, p: Posterior):
        self.right = {}
        for voter in range(self.voters):
            mine = [(image, label) for image, by, label in self.votes if by == voter]
            self.right[voter] = (sum(p[image][label] for image, label in mine) + 2) / (len(mine) + 3)

    def chance(self, image, voter, label, true) -> float:
        right = self.right[voter]
        return right if label == true else (1 - right) / max(self.labels - 1, 1)

    def log_prior(self) -> float:
        return sum(2 * math.log(right) + math.log(1 - right) for right in self.right.values())


class SlowMace:
    def __init__(self, votes, images, voters, labels):
        self.votes, self.images, self.voters, self.labels = votes, images, voters, labels
        self.knows = dict.fromkeys(range(voters), 0.8)
        self.habit = {voter: [1 / labels] * labels for voter in range(voters)}

    def learn(self, p: Posterior):
        for voter in range(self.voters):
            knew, by_habit, cast = 0.0, [0.5] * self.labels, 0
            for image, by, label in self.votes:
                if by == voter:
                    theta = self.knows[voter]
                    did = p[image][label] * theta / (theta + (1 - theta) * self.habit[voter][label])
                    knew, cast = knew + did, cast + 1
                    by_habit[label] += 1 - did
            self.knows[voter] = min(max((knew + 1) / (cast + 2), 1e-6), 1 - 1e-6)
            self.habit[voter] = [one / sum(by_habit) for one in by_habit]

    def chance(self, image, voter, label, true) -> float:
        theta = self.knows[voter]
        return (1 - theta) * self.habit[voter][label] + (theta if label == true else 0)

    def log_prior(self) -> float:
        return sum(
            math.log(self.knows[voter])
            + math.log(1 - self.knows[voter])
            + sum(0.5 * math.log(share) for share in self.habit[voter])
            for voter in range(self.voters)
        )


class SlowGlad:
    def __init__(self, votes, images, voters, labels):
        self.votes, self.images, self.voters, self.labels = votes, images, voters, labels
        self.ability, self.ease = [1.0] * voters, [0.0] * images

    def learn(self, p: Posterior):
        for _ in range(8):
            up, up_slope = [1 - one for one in self.ability], [1.0] * self.voters
            easier, easier_slope = [-one for one in self.ease], [1.0] * self.images
            for image, voter, label in self.votes:
                right, easy, able = self._right(image, voter), math.exp(self.ease[image]), self.ability[voter]
                missing, slope = p[image][label] - right, max(right * (1 - right), 1e-6)
                up[voter] += missing * easy
                up_slope[voter] += slope * easy**2
                easier[image] += missing * able * easy
                easier_slope[image] += slope * (able * easy) ** 2
            self.ability = [min(max(a + u / s / 2, -8), 8) for a, u, s in zip(self.ability, up, up_slope, strict=True)]
            self.ease = [
                min(max(e + u / s / 2, -4), 4) for e, u, s in zip(self.ease, easier, easier_slope, strict=True)
            ]

    def chance(self, image, voter, label, true) -> float:
        right = min(max(self._right(image, voter), 1e-9), 1 - 1e-9)
        return right if label == true else (1 - right) / max(self.labels - 1, 1)

    def _right(self, image, voter) -> float:
        return 1 / (1 + math.exp(-self.ability[voter] * math.exp(self.ease[image])))


SLOW = {"ds": SlowDawidSkene, "one-coin": SlowOneCoin, "mace": SlowMace, "glad": SlowGlad}


def estimate(
    method: str,
    votes: Sequence[Vote],
    *,
    images: int,
    voters: int,
    labels: int,
    rounds: int,
    still: float,
    each: Callable[[float], None] | None = None,
) -> Posterior:
    """`each` is told after each round how likely the votes are, with the priors, as a logarithm."""
    model = SLOW[method](votes, images, voters, labels)
    p = majority(votes, images, labels)
    for _ in range(rounds):
        prior = [(sum(p[image][k] for image in p) + 1) / (images + labels) for k in range(labels)]
        model.learn(p)
        new: Posterior = {}
        total = sum(math.log(one) for one in prior)
        for image in range(images):
            joint = [
                math.log(prior[k])
                + sum(math.log(model.chance(image, by, label, k)) for at, by, label in votes if at == image)
                for k in range(labels)
            ]
            top = max(joint)
            scale = sum(math.exp(one - top) for one in joint)
            total += top + math.log(scale)
            new[image] = {k: math.exp(one - top) / scale for k, one in enumerate(joint)}
        if each is not None:
            each(total + model.log_prior())
        moved = sum(abs(new[image][k] - p[image][k]) for image in p for k in range(labels)) / images
        p = new
        if moved < still:
            break
    return p


def alpha(votes: Sequence[Vote]) -> float | None:
    """Krippendorff's alpha by the matrix of coincidences, pair by pair."""
    coincidences: Counter[tuple[int, int]] = Counter()
    by_image: dict[int, list[int]] = {}
    for image, _, label in votes:
        by_image.setdefault(image, []).append(label)
    for named in by_image.values():
        for first, second in combinations(named, 2):
            coincidences[first, second] += 1 / (len(named) - 1)
            coincidences[second, first] += 1 / (len(named) - 1)
    per_label: Counter[int] = Counter()
    for (first, _), count in coincidences.items():
        per_label[first] += count
    total = sum(per_label.values())
    expected = sum(per_label[a] * per_label[b] for a in per_label for b in per_label if a != b) / (total - 1 or 1)
    observed = sum(count for (a, b), count in coincidences.items() if a != b)
    return None if expected == 0 else 1 - observed / expected


def winner_without(votes: Sequence[Vote], own: Vote) -> int | None:
    """The label that leads among the other votes on the image."""
    others = Counter(label for image, voter, label in votes if image == own[0] and voter != own[1])
    ranked = others.most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]
