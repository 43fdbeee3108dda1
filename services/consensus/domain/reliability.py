"""How far the detector can be relied on: its labels beside what people say who did not see them.

Only images of the audit share can tell. On all others people saw the detector's label first, and lean to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.consensus.domain.exact import Ints
from services.consensus.domain.intervals import Share, share_of
from services.consensus.domain.votes import NO_LABEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """How often the detector is right, in all and where it says a label."""

    overall: Share
    by_label: Mapping[int, Share]


def reliability_of(told: Ints, truth: Ints) -> Reliability:
    """`told`: the detector's label of each image, `truth`: what people settled on without it; NO_LABEL where there is
    none. Images that lack either are left out."""
    compared = (told != NO_LABEL) & (truth != NO_LABEL)
    told, right = told[compared], (told == truth)[compared]
    seen_by, right_by = np.bincount(told), np.bincount(told[right], minlength=int(told.max(initial=-1)) + 1)
    return Reliability(
        overall=share_of(int(right.sum()), len(told)),
        by_label={label: share_of(int(right_by[label]), seen) for label, seen in enumerate(seen_by.tolist()) if seen},
    )
