"""Slows down whoever tries one secret after another. Pure: time is an argument, and what it remembers is bounded."""

from dataclasses import dataclass

from cachetools import LRUCache

from shared.errors import TooMany

REMEMBERED = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """So many tries in so many seconds."""

    tries: int
    within_s: float


class Throttle:
    """Counts tries that failed, by whatever they have in common."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._tries: LRUCache[str, tuple[float, ...]] = LRUCache(REMEMBERED)

    def begin(self, of: str, now: float) -> None:
        """Count a try, before anybody knows what becomes of it: many at once are as many. Raises TooMany."""
        recent = self._recent(of, now)
        if len(recent) >= self._pace.tries:
            raise TooMany(
                "too many tries: come back later", retry_after_s=1 + int(recent[0] + self._pace.within_s - now)
            )
        self._tries[of] = (*recent, now)

    def take_back(self, of: str, at: float) -> None:
        """The try that began then did not fail."""
        left = tuple(one for one in self._tries.get(of, ()) if one != at)
        if left:
            self._tries[of] = left
        else:
            self._tries.pop(of, None)

    def _recent(self, of: str, now: float) -> tuple[float, ...]:
        return tuple(one for one in self._tries.get(of, ()) if one > now - self._pace.within_s)
