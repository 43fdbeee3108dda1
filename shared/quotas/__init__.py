"""What teams may have of a service: its defaults, and what an admin of the first team has set for a team."""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Protocol

from cachetools import LRUCache
from fastapi import Path

from shared import events
from shared.audit import AuditEntry
from shared.auditing import SOURCE
from shared.bus import Bus
from shared.events import Message
from shared.outbox import Outbox, Relay

Set = Mapping[str, int]
"""What was set for a team, by the name of the quota; the others are as the settings say."""
InForce = Mapping[str, int | None]
"""What counts for a team, by the name of the quota; None: as much as it likes."""

MAX_QUOTA = 2**53 - 1
"""The greatest whole number that every reader of JSON has exactly."""
TEAM_ID = re.compile("first|[0-9a-f]{32}")
Team = Annotated[str, Path(pattern=f"^({TEAM_ID.pattern})$")]
TEAMS_KNOWN = 4_096
KNOWN_S = 1.0
"""For so long a replica goes by what it last read: a quota that was changed counts everywhere within a second."""


class QuotaStore(Protocol):
    """Quotas that were set, by team; of two writers the last one counts.

    outbox: where the events of a change are saved with it; None: in the outbox of the service's own store.
    """

    @property
    def outbox(self) -> Outbox | None: ...

    async def of(self, team: str) -> Set:
        """What was set for a team; nothing where that is so."""
        ...

    async def put(self, team: str, quotas: Set, told: Sequence[Message] = ()) -> None:
        """Set a team's quotas, in place of all that were set before, and save these events in the same write."""
        ...

    async def teams(self, *, after: str, limit: int) -> list[str]:
        """The teams for which something was set, in the order of their ids, those behind `after`."""
        ...


class Quotas:
    """The quotas of a service. defaults: of teams for which nothing was set. relay: of the service's own store.

    relays: those that publish what is saved with quotas, where that relay does not.
    """

    def __init__(self, store: QuotaStore, defaults: InForce, *, relay: Relay, bus: Bus) -> None:
        self.store = store
        self.relays = [] if store.outbox is None else [Relay(store.outbox, bus)]
        self._relay = self.relays[0] if self.relays else relay
        self._defaults = dict(defaults)
        self._known: LRUCache[str, tuple[float, InForce]] = LRUCache(TEAMS_KNOWN)

    async def of(self, team: str) -> InForce:
        """What counts for a team."""
        until, known = self._known.get(team, (0.0, {}))
        now = time.monotonic()
        if now < until:
            return known
        found = self.in_force(await self.store.of(team))
        self._known[team] = (now + KNOWN_S, found)
        return found

    def in_force(self, quotas: Set) -> InForce:
        """What counts where this was set."""
        return {name: quotas.get(name, default) for name, default in self._defaults.items()}

    async def put(self, team: str, quotas: Set, noted: Sequence[AuditEntry]) -> None:
        """Set a team's quotas, and note that; here they count at once."""
        await self.store.put(team, quotas, events.notes(team, SOURCE, noted))
        self._known.pop(team, None)
        self._relay.wake()
