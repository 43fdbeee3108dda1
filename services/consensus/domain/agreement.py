"""How far the voters of a task agree, beyond what chance would give."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.consensus.domain.exact import Ints
from services.consensus.domain.votes import Votes

PAIR = 2
"""Fewer votes on an image say nothing about agreement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Agreement of a task, 1 for all alike and 0 for as much as chance gives."""

    alpha: float | None
    """Krippendorff's alpha; None where there are no two votes on an image, or all name one label.

    Early stopping moves it, in either direction: a vote that would have disagreed with a settled image is never cast,
    and the images that people see differently have most votes. Nothing is filled in for votes that were not cast.
    Compare tasks by it only where they stop alike; `votes_per_image` shows it.
    """
    kappa: float | None
    """Fleiss' kappa, which is defined only where all images have the same number of votes."""
    why_no_kappa: str | None
    votes_per_image: Mapping[int, int]
    """How many images have so many votes."""


def agreement_of(votes: Votes) -> Agreement:
    tallies = votes.tallies()
    cast = tallies.sum(0)
    sizes, images = np.unique(cast, return_counts=True)
    per_image = dict(zip(sizes.tolist(), images.tolist(), strict=True))
    why_no_kappa = _why_no_kappa([size for size in per_image if size])
    kappa = None
    if why_no_kappa is None:
        kappa = fleiss_kappa(tallies[:, cast > 0])
        why_no_kappa = None if kappa is not None else "all votes name one label"
    return Agreement(
        alpha=krippendorff_alpha(tallies), kappa=kappa, why_no_kappa=why_no_kappa, votes_per_image=per_image
    )


def krippendorff_alpha(tallies: Ints) -> float | None:
    """Nominal alpha of the votes that each label (a row) has on each image (Krippendorff, 2011)."""
    cast = tallies.sum(0)
    paired = tallies[:, cast >= PAIR]
    per_label = paired.sum(1).astype(float)
    total = float(per_label.sum())
    if np.count_nonzero(per_label) < PAIR:
        return None
    # Of an image with m votes, each vote disagrees with so many others, out of m - 1. Whole numbers, grouped by m, so
    # that the sum is the same in any order.
    m = paired.sum(0)
    differing = (paired * (m - paired)).sum(0)
    by_size = np.bincount(m, differing)
    sizes = np.arange(len(by_size))
    observed = float((by_size[PAIR:] / (sizes[PAIR:] - 1)).sum())
    expected = (total**2 - float((per_label**2).sum())) / (total - 1)
    return 1 - observed / expected


def fleiss_kappa(tallies: Ints) -> float | None:
    """Kappa of the same tallies where every image has the same number of votes (Fleiss, 1971)."""
    size = int(tallies[:, 0].sum())
    images = tallies.shape[1]
    seen = float((tallies * (tallies - 1)).sum()) / (images * size * (size - 1))
    per_label = tallies.sum(1).astype(float)
    chance = float((per_label**2).sum()) / float(per_label.sum()) ** 2
    return None if np.count_nonzero(per_label) < PAIR else (seen - chance) / (1 - chance)


def _why_no_kappa(sizes: list[int]) -> str | None:
    if not sizes:
        return "there are no votes"
    if len(sizes) > 1:
        return f"images have from {min(sizes)} to {max(sizes)} votes, and kappa needs the same number on all"
    return "there is one vote on each image" if sizes[0] < PAIR else None
