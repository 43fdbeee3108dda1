"""Estimates beside labels that are known to be true."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from services.consensus.domain.exact import Floats, Ints
from services.consensus.domain.intervals import share_of

BesideMajority = Literal["better", "worse", "no difference"]
HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """How many of so many images have their true label. An image on which labels tie counts as the share that drawing
    one of them would be right, so `right` need not be a whole number; the interval takes the part both ways."""

    right: float
    seen: int
    low: float
    high: float


def hits(posterior: Floats, known: Ints) -> Floats:
    """For each image whose true label is known, how much of a hit the estimate is: 1, 0, or a part where labels tie."""
    (images,) = np.nonzero(known >= 0)
    is_top = posterior[:, images] == posterior[:, images].max(0, initial=0)
    return is_top[known[images], np.arange(len(images))] / np.maximum(is_top.sum(0), 1)


def accuracy_of(hit: Floats, seen: int) -> Accuracy:
    """`seen` may be more than there are hits: true labels that no vote names are missed by every method."""
    right = float(hit.sum())
    return Accuracy(
        right=right,
        seen=seen,
        low=share_of(int(np.floor(right)), seen).low,
        high=share_of(int(np.ceil(right)), seen).high,
    )


def beside_majority(hit: Floats, majority: Floats) -> BesideMajority:
    """Whether a method differs from majority by more than chance: of the images where they differ, the share that the
    method has right has to be off one half by its interval."""
    better, worse = int(np.count_nonzero(hit > majority)), int(np.count_nonzero(hit < majority))
    share = share_of(better, better + worse)
    if share.low > HALF:
        return "better"
    return "worse" if share.high < HALF else "no difference"
