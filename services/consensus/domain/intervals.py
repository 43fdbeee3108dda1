"""How far a share may be off that was counted on a few: the interval of Clopper and Pearson (1934)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

CONFIDENCE = 0.95
HALVINGS = 60
TERMS = 10_000
CLOSE = 1e-15
TINY = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """So many right of so many, and the bounds between which the true share lies in 95 of 100 cases or more."""

    right: int
    seen: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        return self.right / self.seen if self.seen else None


def share_of(right: int, seen: int, *, confidence: float = CONFIDENCE) -> Share:
    """The share with its exact interval; it is exact because it inverts the binomial test, not a normal curve."""
    tail = (1 - confidence) / 2
    low = _where(lambda p: _beta_cdf(p, right, seen - right + 1) > tail) if right else 0.0
    high = _where(lambda p: _beta_cdf(p, right + 1, seen - right) > 1 - tail) if right < seen else 1.0
    return Share(right=right, seen=seen, low=low, high=high)


def _where(is_beyond: Callable[[float], bool]) -> float:
    """Where between 0 and 1 it becomes true."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_beyond(middle) else (middle, high)
    return (low + high) / 2


def _beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function: how much of the beta distribution lies below x, which is inside (0, 1).

    Its continued fraction converges fast below the mean; above it, the other tail is computed.
    """
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta_cdf(1 - x, b, a)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(scale) / (a * _continued_fraction(x, a, b))


def _continued_fraction(x: float, a: float, b: float) -> float:
    """1 + d1 / (1 + d2 / (1 + ...)) by Lentz's method."""
    value, above, below = 1.0, 1.0, 0.0
    for n in range(1, TERMS):
        below = 1 / _not_zero(1 + (d := _term(n, x, a, b)) * below)
        above = _not_zero(1 + d / above)
        value *= above * below
        if abs(above * below - 1) < CLOSE:
            break
    return value


def _term(n: int, x: float, a: float, b: float) -> float:
    m = n // 2
    if n % 2:
        return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))


def _not_zero(value: float) -> float:
    return value if abs(value) > TINY else TINY
