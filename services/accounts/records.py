"""What the authenticator asks of keys and sessions, where the accounts are kept in the same process."""

from services.accounts import credentials
from services.accounts.credentials import Lifetimes
from services.accounts.store import AccountStore
from shared.clock import Clock
from shared.errors import NotFound, StorageFull, Unavailable
from shared.identity.records import KeyRecord
from shared.identity.tokens import Claims


class StoredRecords:
    """The `Records` of the store itself: what it says holds now."""

    def __init__(self, store: AccountStore, clock: Clock, lifetimes: Lifetimes) -> None:
        self._store = store
        self._clock = clock
        self._lifetimes = lifetimes

    async def key(self, key_id: str) -> KeyRecord | None:
        try:
            key = await self._store.keys.find(key_id)
            person = await self._store.people.find(key.person)
        except NotFound:
            return None
        roles = credentials.roles_with(key, person)
        if not roles or not credentials.is_usable(key, self._clock()):
            return None
        return KeyRecord(
            id=key.id,
            digest=key.digest,
            person=person.id,
            name=person.name,
            team=key.team,
            roles=roles,
            expires_at=key.expires_at,
        )

    async def is_revoked(self, claims: Claims) -> bool:
        try:
            found = await self._store.sessions.find(claims.session)
            person = await self._store.people.find(found.person)
        except NotFound:
            return True
        is_live = credentials.is_live(found, self._lifetimes, self._clock())
        return not (is_live and credentials.may_go_on(found, person))

    async def used(self, key_id: str) -> None:
        """A full disk keeps nobody out."""
        try:
            key = await self._store.keys.find(key_id)
            if credentials.noted(key, self._clock()) is not key:
                await self._store.keys.update(key_id, credentials.noted)
        except (NotFound, StorageFull, Unavailable):
            return
