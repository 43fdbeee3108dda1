"""The clock of every process: it goes on right though somebody sets the wall clock (decision 0040)."""

import logging
import threading
import time

from shared.clock import Clock

log = logging.getLogger(__name__)

STEP_S = 1e-6
"""The least time between two instants."""
SET_S = 1.0
"""A wall clock that is off by more was set; by less, it drifts."""
DRIFT = 0.001
"""No clock drifts more in a second, nor is it corrected faster without being set."""
SETTLE_S = 60.0
"""A wall clock that was set forward is believed once it has stayed so for so long."""
SLOWER = 0.1
"""A clock that is ahead of the wall loses so much of each second until it is not."""


class SteadyClock:
    """A clock that always goes forward and measures durations right, though somebody sets the wall clock.

    It reads the wall clock once and goes on by the monotonic clock, so five minutes are five minutes. A wall clock that
    drifts is followed. One that was set forward is followed after a minute: if it is set back before, nothing has
    happened. One that was set back leaves this clock ahead, and it goes a tenth slower until it is not.
    """

    def __init__(self, wall: Clock = time.time, monotonic: Clock = time.monotonic) -> None:
        self.wall = wall
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._read_at = monotonic()
        self._wall_read = wall()
        self._last = self._wall_read
        self._forward_since: float | None = None

    def __call__(self) -> float:
        with self._lock:
            now, wall = self._monotonic(), self.wall()
            elapsed = max(0.0, now - self._read_at)
            set_by = wall - self._wall_read - elapsed
            self._read_at, self._wall_read = now, wall
            self._last = max(self._next(now, wall, elapsed), self._last + STEP_S)
            if abs(set_by) > SET_S + DRIFT * elapsed:
                about = {"set_by_s": round(set_by, 3), "ahead_s": round(self._last - wall, 3)}
                log.warning("the wall clock of this machine was set", extra=about)
            return self._last

    @property
    def ahead_s(self) -> float:
        """How far it is ahead of the wall clock; less than 0: behind it."""
        return self() - self.wall()

    def go_on_from(self, instant: float) -> None:
        """Begin at an instant that an earlier process has reached, if the wall clock has not: what that process stored
        lies ahead of the wall, and would have to wait for it."""
        ahead_s = instant - self()
        if ahead_s > SET_S:
            log.warning("what is stored is ahead of the wall clock", extra={"ahead_s": round(ahead_s, 3)})
            with self._lock:
                self._last = max(self._last, instant)

    def _next(self, now: float, wall: float, elapsed: float) -> float:
        """Where it stands so much later."""
        last = self._last + elapsed
        behind = wall - last
        if behind <= 0:
            self._forward_since = None
            return last - min(-behind, SLOWER * elapsed)
        if behind > SET_S:
            if self._forward_since is None:
                self._forward_since = now
            if now - self._forward_since < SETTLE_S:
                return last
        self._forward_since = None
        return wall


def wall_of(clock: Clock) -> Clock:
    """The wall clock, for what other machines check by theirs: signatures and tokens. Any other clock than ours, as
    tests have, is its own."""
    return clock.wall if isinstance(clock, SteadyClock) else clock
