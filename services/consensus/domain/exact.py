"""Sums that are exact, and so the same in any order.

Adding floating-point numbers rounds, and how it rounds depends on their order. Which vote comes first and who has which
number is an accident that must not be seen in a result. So all terms of a sum are first rounded to multiples of one
power of two. It is so fine that nothing of weight is lost, and so coarse that no sum of the terms has to be rounded.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def anchor(largest: float, terms: int) -> float:
    """What `put_on_grid` takes for terms of at most `largest` in size, of which at most `terms` are added up."""
    return 1.5 * 2.0 ** math.ceil(math.log2(max(largest, 1e-300) * max(terms, 2)))


def put_on_grid(values: Floats, anchored: float) -> Floats:
    """Round in place to multiples of the last bit of the anchor; a multiple stays as it is."""
    values += anchored
    values -= anchored
    return values


def summed(groups: Ints, terms: Floats, count: int) -> Floats:
    """The sum of each of so many groups; the terms are on a grid."""
    return np.bincount(groups, terms, count).astype(np.float64, copy=False)
