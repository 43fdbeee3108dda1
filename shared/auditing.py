"""How services write down who did what: with the change itself, in its store's outbox."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ParamSpec

from shared.audit import Action, AuditEntry, Doer, entry
from shared.clock import Clock
from shared.decision import Decision
from shared.http.addresses import address_of_request
from shared.identity import Caller

P = ParamSpec("P")


class Auditor:
    """Makes entries of the audit; none where authentication is off, because nobody is known then."""

    def __init__(self, clock: Clock, *, is_on: bool) -> None:
        self._clock = clock
        self._is_on = is_on

    def entries(self, who: Caller, action: Action, to: str) -> tuple[AuditEntry, ...]:
        """The entry, if any, of what a caller does in this request to what has this id."""
        if not self._is_on:
            return ()
        by = Doer(id=who.id, name=who.name, team=who.team, address=address_of_request())
        return (entry(by, action, to, self._clock(), secrets.token_hex(4)),)

    def noting(
        self, who: Caller, action: Action, to: str, rule: Callable[P, Decision[Any, Any]]
    ) -> Callable[P, Decision[Any, Any]]:
        """The rule, whose decision notes what the caller does with it."""
        noted = self.entries(who, action, to)

        def decide(*args: P.args, **kwargs: P.kwargs) -> Decision[Any, Any]:
            return replace(rule(*args, **kwargs), noted=noted)

        return decide
