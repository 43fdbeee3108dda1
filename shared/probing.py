"""Whether something can be used, found out by trying it: what only looks sound may refuse the next write."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from shared.errors import QuorateError

log = logging.getLogger(__name__)

HOLDS_S = 5.0
"""How long an answer holds, however many ask."""
TAKES_S = 5.0
"""A try that takes longer has failed."""


class Probe:
    """Tries something when it is asked, and says whether that went well. All who ask meanwhile share one try."""

    def __init__(
        self,
        what: str,
        attempt: Callable[[], Awaitable[object]],
        *,
        takes_s: float = TAKES_S,
        holds_s: float = HOLDS_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._attempt = attempt
        self._takes_s = takes_s
        self._holds_s = holds_s
        self._now = now
        self._is_good = True
        self._until: float | None = None
        self._trying: asyncio.Task[bool] | None = None

    async def __call__(self) -> bool:
        if self._until is not None and self._now() < self._until:
            return self._is_good
        if self._trying is None:
            self._trying = asyncio.create_task(self._try(), name=f"probe {self._what}")
        return await asyncio.shield(self._trying)

    async def _try(self) -> bool:
        reason = ""
        try:
            async with asyncio.timeout(self._takes_s):
                await self._attempt()
        except TimeoutError:
            reason = f"no answer in {self._takes_s:.0f} s"
        except QuorateError as error:
            reason = error.detail
        except Exception as error:  # whatever it is, it cannot be used
            log.exception("%s could not be tried", self._what)
            reason = type(error).__name__
        finally:
            self._trying = None
        self._note(reason)
        return self._is_good

    def _note(self, reason: str) -> None:
        if self._is_good and reason:
            log.error("%s cannot be used: %s", self._what, reason)
        elif not self._is_good and not reason:
            log.info("%s can be used again", self._what)
        self._is_good = not reason
        self._until = self._now() + self._holds_s
