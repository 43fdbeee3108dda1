"""How services write down who did what: in the audit with the change itself, in its store's outbox, where it has one;
and in the log once the change is saved, also where nobody is known and there is no audit."""

import logging
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Generic, ParamSpec

from cachetools import TTLCache

from shared import events
from shared.audit import Action, AuditEntry, Doer, Outcome, entry
from shared.bus import Bus
from shared.clock import Clock
from shared.decision import Decision
from shared.errors import QuotaReached, StorageFull, Unavailable
from shared.events import Message
from shared.http.addresses import address_of_request
from shared.identity import Caller

P = ParamSpec("P")
SOURCE = "quorate/admin"
REFUSED_AGAIN_S = 3_600.0
"""Who is refused by the same quota again and again is noted once in so long, by each process."""
REFUSALS_REMEMBERED = 10_000
log = logging.getLogger(__name__)


class Auditor:
    """Makes entries of the audit; none where authentication is off, because nobody is known then."""

    def __init__(self, clock: Clock, bus: Bus, *, is_on: bool) -> None:
        self._clock = clock
        self._bus = bus
        self._is_on = is_on
        self._refused: TTLCache[tuple[str, str, str], bool] = TTLCache(
            REFUSALS_REMEMBERED, REFUSED_AGAIN_S, timer=clock
        )

    def entries(self, who: Caller, action: Action, to: str, outcome: Outcome = "done") -> tuple[AuditEntry, ...]:
        """The entry, if any, of what a caller does in this request to what has this id."""
        if not self._is_on:
            return ()
        by = Doer(id=who.id, name=who.name, team=who.team, address=address_of_request())
        return (entry(by, action, to, self._clock(), secrets.token_hex(4), outcome),)

    def notes(self, who: Caller, action: Action, to: str) -> list[Message]:
        """The same as an event, for what is done to messages themselves, and so has no outbox."""
        return events.notes(to, SOURCE, self.entries(who, action, to))

    @asynccontextmanager
    async def noting_quotas(self, who: Caller) -> AsyncGenerator[None]:
        """Note it where a quota refuses what the caller wants in here."""
        try:
            yield
        except QuotaReached as refusal:
            await self.note_quota(who, refusal.quota)
            raise

    async def note_quota(self, who: Caller, quota: str) -> None:
        """Write down that a quota refused something to the caller, once in an hour: what is asked for again and again
        must not fill the audit. It changes nothing, so it goes to the bus by itself; where that is away the log alone
        has it, and the next refusal is noted instead."""
        refused = (who.team, who.id, quota)
        if not self._is_on or refused in self._refused:
            return
        self._refused[refused] = True
        try:
            await self._bus.publish(events.notes(quota, SOURCE, self.entries(who, "quotas.refuse", quota, "refused")))
        except (Unavailable, StorageFull):
            self._refused.pop(refused, None)
            log.warning("%s: the refusal by the quota %s could not be written down", who.id, quota)

    def noting(self, who: Caller, action: Action, to: str, rule: Callable[P, Decision[Any, Any]]) -> "Noting[P]":
        """The rule, whose decision notes what the caller does with it."""
        return Noting(rule, self.entries(who, action, to), partial(self.tell, who, action))

    def tell(self, who: Caller, action: Action, **ids: str) -> None:
        """Say in the log what a caller has changed, now that it is saved. ids: of what it was done to, by name."""
        log.info("changed", extra={"action": action, "by": who.id, "team": who.team, **ids})


class Noting(Generic[P]):
    """A rule whose decision notes what a caller does with it."""

    def __init__(
        self, rule: Callable[P, Decision[Any, Any]], noted: tuple[AuditEntry, ...], tell: Callable[..., None]
    ) -> None:
        self._rule = rule
        self._noted = noted
        self._tell = tell
        self._is_change = False

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Decision[Any, Any]:
        decision = self._rule(*args, **kwargs)
        self._is_change = decision.state is not args[0]
        return replace(decision, noted=self._noted)

    def saved(self, **ids: str) -> None:
        """The decision is saved: say so in the log, unless it left everything as it was. ids: as `tell` takes them."""
        if self._is_change:
            self._tell(**ids)
