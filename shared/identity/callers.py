"""How a distributed service comes to know its callers."""

from typing import Protocol

from shared.bus import Bus
from shared.clock import Clock
from shared.identity.authenticator import Accounts, Authenticator, Trusting
from shared.identity.tokens import Verifier
from shared.identity.told_records import ToldRecords

PREFETCH = 16


class Callers(Protocol):
    """Who callers are, and what the service has to do to know it."""

    @property
    def authenticator(self) -> Authenticator: ...

    async def prepare(self) -> None:
        """Make ready what is kept of callers."""
        ...

    def subscribe(self, bus: Bus) -> None:
        """Hear who may come."""
        ...


class AnyCallers:
    """Authentication off: callers are who they say they are."""

    authenticator: Authenticator = Trusting()

    async def prepare(self) -> None:
        return

    def subscribe(self, bus: Bus) -> None:  # noqa: ARG002
        return


class KnownCallers:
    """Authentication on: the accounts service tells who may come."""

    def __init__(self, service: str, records: ToldRecords, verifier: Verifier, clock: Clock) -> None:
        self._service = service
        self._records = records
        self.authenticator: Authenticator = Accounts(verifier, records, clock)

    async def prepare(self) -> None:
        await self._records.prepare()

    def subscribe(self, bus: Bus) -> None:
        bus.consume(f"{self._service}.access.told.v1", self._records.keep, prefetch=PREFETCH)
