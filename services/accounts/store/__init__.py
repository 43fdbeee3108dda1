"""What the accounts service keeps: teams, people, what they prove themselves by, and what they did."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from services.accounts.audit_listing import AuditListing
from services.accounts.credentials import Invitation, Key, Session
from services.accounts.device import DeviceRequest, Guesses
from services.accounts.domain import Identity, Person, Team
from services.accounts.erasure import ErasedPerson
from shared.audit import AuditEntry
from shared.outbox import Outbox

S = TypeVar("S")
Change = Callable[[S, float], S]
"""A rule, called with the present state and the time (epoch seconds); it returns the new state, or raises a refusal."""


class Kept(Protocol[S]):
    """States of one kind, by their ids.

    Every change of one goes through a rule, and is one atomic write, together with what others must hear of it and what
    the audit notes of it. A rule may be called more than once. If it raises, or returns the state that it was given,
    nothing is saved.
    """

    async def insert(self, state: S, *, noted: Sequence[AuditEntry] = ()) -> bool:
        """Save a new state. False, with nothing saved: its id, or what else only one may have, is taken."""
        ...

    async def find(self, state_id: str) -> S:
        """A state. Raises NotFound."""
        ...

    async def update(self, state_id: str, change: Change[S], *, noted: Sequence[AuditEntry] = ()) -> S:
        """Change a state by a rule; returns the new one. Raises NotFound, and what the rule raises."""
        ...


class AccountStore(Outbox, Protocol):
    """Of people, the name as it is compared belongs to one only, and so does who they are to a provider."""

    @property
    def revision(self) -> int | None:
        """Another number once anything has changed; None: other processes write, too, and nobody tells."""
        ...

    @property
    def teams(self) -> Kept[Team]: ...

    @property
    def people(self) -> Kept[Person]: ...

    @property
    def sessions(self) -> Kept[Session]: ...

    @property
    def keys(self) -> Kept[Key]: ...

    @property
    def invitations(self) -> Kept[Invitation]: ...

    @property
    def devices(self) -> Kept[DeviceRequest]: ...

    @property
    def guesses(self) -> Kept[Guesses]: ...

    @property
    def erasures(self) -> Kept[ErasedPerson]: ...

    async def newest_erasures(self, limit: int) -> list[ErasedPerson]:
        """The people who were erased last, the newest first."""
        ...

    async def unfinished_erasures(self, limit: int) -> list[ErasedPerson]:
        """People who were erased and of whom the others were not told yet, or of whom the accounts still have more than
        their stub."""
        ...

    async def rename_in_audit(self, actor: str, name: str, *, after: str, limit: int) -> str | None:
        """Put this name in place of somebody's in their entries, and take the address out: in those behind the entry
        `after`, at most `limit`. It is the only change of an entry. Returns the last of them; None: there are no
        more."""
        ...

    async def has_people(self) -> bool:
        """Whether anybody has an account."""
        ...

    async def person_named(self, name_key: str) -> Person | None:
        """The person with this name, as names are compared."""
        ...

    async def person_known_as(self, identity: Identity) -> Person | None:
        """The person whom a provider knows as this."""
        ...

    async def members(self, team: str, *, after: str, limit: int) -> list[Person]:
        """A team's people, active or not, in the order of their `name_key`, those behind `after`."""
        ...

    async def keys_of(self, team: str, person: str, limit: int) -> list[Key]:
        """The keys of a member that were not revoked, in the order of their ids."""
        ...

    async def keys_in(self, team: str, *, after: str, limit: int) -> list[Key]:
        """The keys of a team's people that were not revoked, in the order of their ids, those behind `after`."""
        ...

    async def open_invitations(self, team: str, *, now: float, limit: int) -> list[Invitation]:
        """The invitations to a team that can be used, those that expire first at the front."""
        ...

    async def forget_sessions(self, *, begun_before: float, limit: int) -> None:
        """Remove sessions that began so long ago that they have ended."""
        ...

    async def keys_told(self, *, after: str, limit: int) -> list[Key]:
        """Keys that were not revoked, whatever their team, in the order of their ids, those behind `after`."""
        ...

    async def people_told(self, *, after: str, limit: int) -> list[Person]:
        """People in the order of their ids, those behind `after`."""
        ...

    async def forget_devices(self, *, expired_before: float, limit: int) -> None:
        """Remove requests of programs that have expired."""
        ...

    async def append(self, entry: AuditEntry) -> None:
        """Write an entry down, for good; one that is there already stays as it is."""
        ...

    async def entries(self, team: str, listing: AuditListing, *, before: str, limit: int) -> list[AuditEntry]:
        """A team's entries that are wanted, the newest first, those older than the one with the id `before`; empty:
        all."""
        ...
