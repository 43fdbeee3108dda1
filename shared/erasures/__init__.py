"""What a service does once a person was erased: it puts the pseudonym in place of their id in all that it keeps.

It goes through everything in bounded steps and keeps where it stands, so a crash costs a step. It begins a moment after
it was told, when no service takes the person's session or key any more, and once more when nothing can be on its way
under the old id; then it forgets which id the pseudonym stands for.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from shared import events
from shared.bus import Bus
from shared.clock import Clock
from shared.looking import Looking
from shared.telemetry.metrics import Metrics
from shared.telemetry.trouble import Trouble

log = logging.getLogger(__name__)

BEGINS_AFTER_S = 1.0
"""By then every service refuses what the person was known by."""
AGAIN_AFTER_S = 900.0
"""By then the last access token has expired, and what was told under the old id has arrived."""
LOOK_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """A person to be replaced. place: up to where that is done in the present turn; turns: how many have ended."""

    person: str
    pseudonym: str
    begins_at: float
    place: str = ""
    turns: int = 0


class Erasures(Protocol):
    """The erasures that are not over, by person."""

    async def keep(self, erasure: Erasure) -> None:
        """Save an erasure, in place of the one of the same person."""
        ...

    async def all(self) -> list[Erasure]:
        """Those that begin first at the front."""
        ...

    async def forget(self, person: str) -> None: ...


Step = Callable[[Erasure], Awaitable[str | None]]
"""Replaces the person in a bounded number of states, those behind the erasure's place; returns the place to go on from,
None where that was the last. It may be asked for the same place again."""


class Eraser:
    """Carries out erasures in the background. service: whose; step: how."""

    def __init__(self, service: str, erasures: Erasures, step: Step, bus: Bus, clock: Clock) -> None:
        self._service = service
        self._erasures = erasures
        self._step = step
        self._bus = bus
        self._clock = clock
        self._pseudonyms: dict[str, str] = {}
        trouble = Trouble(log, "erasing a person cannot go on")
        self._looking = Looking(self.work, every_s=LOOK_S, trouble=trouble, name="eraser")

    @property
    def pseudonyms(self) -> Mapping[str, str]:
        """Of people whose erasure is not over, for what is told of them under their old id."""
        return self._pseudonyms

    def start(self) -> None:
        self._looking.start()

    async def close(self) -> None:
        """Stop where it stands; the next process goes on from there."""
        await self._looking.close()

    async def hear(self, event: events.PersonErasedV1) -> None:
        told = event.data
        if any(one.person == told.person for one in await self._erasures.all()):
            return
        begins_at = self._clock() + BEGINS_AFTER_S
        await self._erasures.keep(Erasure(person=told.person, pseudonym=told.pseudonym, begins_at=begins_at))
        self._pseudonyms[told.person] = told.pseudonym
        self._looking.wake()

    async def look(self, metrics: Metrics) -> None:
        """Set the gauge of those that have not been done once."""
        pending = None
        try:
            pending = sum(one.turns == 0 for one in await self._erasures.all())
        finally:
            metrics.erasing(self._service, pending)

    async def work(self) -> float:
        """Carry out what has begun; returns how long there is nothing to do, in seconds."""
        found = await self._erasures.all()
        self._pseudonyms = {one.person: one.pseudonym for one in found}
        for erasure in found:
            if erasure.begins_at <= self._clock():
                await self._turn(erasure)
        due = [one.begins_at - self._clock() for one in found if one.turns == 0]
        return min([LOOK_S, *(max(0.05, one) for one in due)])

    async def _turn(self, erasure: Erasure) -> None:
        while (place := await self._step(erasure)) is not None:
            erasure = replace(erasure, place=place)
            await self._erasures.keep(erasure)
        await self._tell(erasure)
        if erasure.turns > 0:
            await self._erasures.forget(erasure.person)
            return
        after = self._clock() + AGAIN_AFTER_S
        await self._erasures.keep(replace(erasure, place="", turns=1, begins_at=after))

    async def _tell(self, erasure: Erasure) -> None:
        """Say that it is done; a crash after it says so again."""
        now = self._clock()
        data = events.PersonPseudonymised(pseudonym=erasure.pseudonym, service=self._service, at=now)
        attributes = events.envelope(
            event_id=f"{erasure.pseudonym}/pseudonymised/{self._service}",
            source=f"quorate/{self._service}",
            subject=erasure.pseudonym,
            at=now,
        )
        await self._bus.publish([events.message(events.PersonPseudonymisedV1(**attributes, data=data))])
