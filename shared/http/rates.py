"""How fast one caller may ask, request after request: token buckets in the memory of the process.

A request of a known caller counts for its person and for its key or session; any other for its address. So a stranger
uses up nothing of somebody who is known at the same address.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Scope

from shared.errors import TooMany
from shared.http.addresses import place_of
from shared.identity import CALLER, Caller

BURST_S = 10.0
"""A bucket holds what comes in so many seconds: whoever was quiet may ask for as much at once."""
REMEMBERED = 20_000
"""Buckets of one kind. A bucket that is full again is like one that never was."""
_ROUNDING_S = 1e-6
UNCOUNTED = frozenset({"/healthz", "/readyz", "/metrics"})
"""For those who watch the process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How many requests a second are taken in the long run, of one key or session, of one person, and of one address of
    callers who are not known; 0: as many as come."""

    key: float = 0.0
    person: float = 0.0
    address: float = 0.0


class Buckets:
    """A bucket for each name. Of a bucket is remembered when it will be full again."""

    def __init__(self, per_s: float) -> None:
        self._refill_s = 1 / per_s
        self._full_at: dict[str, float] = {}

    def take(self, name: str, now: float) -> float:
        """Take one from a bucket. Returns 0, or how many seconds there are to wait until there is one."""
        known = self._full_at.get(name)
        if known is None:
            self._make_room(now)
        full_at = self._refill_s + (now if known is None or known < now else known)
        wait_s = full_at - now - max(BURST_S, self._refill_s)
        if wait_s > _ROUNDING_S:
            return wait_s
        self._full_at[name] = full_at
        return 0.0

    def _make_room(self, now: float) -> None:
        """Forget buckets that are full; all of them where that does not help, since to look again costs time."""
        if len(self._full_at) < REMEMBERED:
            return
        left = {name: full_at for name, full_at in self._full_at.items() if full_at > now}
        self._full_at = left if len(left) < REMEMBERED / 2 else {}


class RateLimits:
    """The buckets of a process."""

    def __init__(self, rates: Rates, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._keys, self._people, self._addresses = (
            Buckets(rate) if rate else None for rate in (rates.key, rates.person, rates.address)
        )

    def refusal(self, scope: Scope) -> TooMany | None:
        """Why a request is not taken now; None: it is, and counts."""
        if scope["path"] in UNCOUNTED:
            return None
        caller, now = scope[CALLER], self._clock()
        if not isinstance(caller, Caller):
            client = scope.get("client")
            return _refusal(self._addresses, place_of(client[0]) if client else "", now)
        return _refusal(self._keys, caller.session or caller.id, now) or _refusal(self._people, caller.id, now)


def _refusal(buckets: Buckets | None, name: str, now: float) -> TooMany | None:
    wait_s = 0.0 if buckets is None else buckets.take(name, now)
    if not wait_s:
        return None
    return TooMany("too many requests in a short time: come back later", retry_after_s=math.ceil(wait_s))
