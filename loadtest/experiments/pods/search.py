"""The largest number that works: doubled until it does not, then narrowed down from both sides."""

from collections.abc import Callable
from dataclasses import dataclass

PRECISION = 0.03
"""Of the number: a closer search measures chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The largest number that worked, 0 for none; and the smallest that failed, None where none did."""

    works: int
    fails: int | None


def largest(works: Callable[[int], bool], *, first: int, most: int, is_over: Callable[[], bool] = bool) -> Found:
    """Search from `first` up to `most`. Once `is_over`, what is known by then has to do."""
    low, high = 0, None
    number = min(first, most)
    while number > low and number != high and not is_over():
        if works(number):
            low = number
        else:
            high = number
        number = _next(low, high, most)
    return Found(works=low, fails=high)


def _next(low: int, high: int | None, most: int) -> int:
    """The number to try next; `low` where it is known well enough."""
    if high is None:
        return min(2 * low, most)
    if high - low <= max(1, round(PRECISION * low)):
        return low
    return (low + high) // 2
