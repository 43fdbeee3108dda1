"""How services write down who did what: with the change itself, in its store's outbox, where it has one."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ParamSpec

from shared import events
from shared.audit import Action, AuditEntry, Doer, entry
from shared.bus import Bus
from shared.clock import Clock
from shared.decision import Decision
from shared.errors import StorageFull, Unavailable
from shared.http.addresses import address_of_request
from shared.identity import Caller

P = ParamSpec("P")
SOURCE = "quorate/admin"
log = logging.getLogger(__name__)


class Auditor:
    """Makes entries of the audit; none where authentication is off, because nobody is known then."""

    def __init__(self, clock: Clock, bus: Bus, *, is_on: bool) -> None:
        self._clock = clock
        self._bus = bus
        self._is_on = is_on

    def entries(self, who: Caller, action: Action, to: str) -> tuple[AuditEntry, ...]:
        """The entry, if any, of what a caller does in this request to what has this id."""
        if not self._is_on:
            return ()
        by = Doer(id=who.id, name=who.name, team=who.team, address=address_of_request())
        return (entry(by, action, to, self._clock(), secrets.token_hex(4)),)

    async def note(self, who: Caller, action: Action, to: str) -> None:
        """Write down what was done to what has no outbox. Where the bus is away the log alone has it."""
        if not (entries := self.entries(who, action, to)):
            return
        try:
            await self._bus.publish(events.notes(to, SOURCE, entries))
        except (Unavailable, StorageFull):
            log.warning("%s: %s of %s could not be written down", who.id, action, to)

    def noting(
        self, who: Caller, action: Action, to: str, rule: Callable[P, Decision[Any, Any]]
    ) -> Callable[P, Decision[Any, Any]]:
        """The rule, whose decision notes what the caller does with it."""
        noted = self.entries(who, action, to)

        def decide(*args: P.args, **kwargs: P.kwargs) -> Decision[Any, Any]:
            return replace(rule(*args, **kwargs), noted=noted)

        return decide
