"""What was told of keys, people and sessions, in a collection of the service's own: so each of its replicas knows
callers alone, and goes on to after a crash.

What was told of a key holds for `TOLD_S`, counted from when the accounts service said so; it tells everything that
holds anew well before. So a key that was revoked cannot outlive a lost event by more, nor a service that hears nothing
any more, as a token cannot. A document remembers the highest revision; what was told before it is ignored.
"""

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime

from cachetools import LRUCache
from pymongo import IndexModel, UpdateOne
from pymongo.errors import BulkWriteError

from shared import events
from shared.bus import Bus
from shared.clock import Clock
from shared.codec import Codec
from shared.errors import StorageFull, Unavailable
from shared.identity.records import KeyRecord
from shared.identity.roles import known_roles
from shared.identity.tokens import Claims
from shared.identity.told import KeyTold, PersonTold
from shared.mongo.connection import Collection, Document, read
from shared.mongo.faults import DUPLICATE_KEY, errors_named

TOLD_S = 600.0
FORGOTTEN_S = 86_400
"""So long after it was last told, a document is removed."""
HOUR_S = 3_600.0
KEYS_REMEMBERED = 10_000
_KEYS = Codec(KeyTold)
_PEOPLE = Codec(PersonTold)


class ToldRecords:
    """The `Records` of a service that is told of them."""

    def __init__(self, collection: Collection, bus: Bus, clock: Clock, service: str) -> None:
        self._collection = collection
        self._bus = bus
        self._clock = clock
        self._service = service
        self._used: LRUCache[str, float] = LRUCache(KEYS_REMEMBERED)

    @property
    def revision(self) -> None:
        """Other replicas write, too."""
        return

    async def prepare(self) -> None:
        """Create the indexes that are missing."""
        with errors_named():
            forgotten = IndexModel([("seen_at", 1)], name="forgotten", expireAfterSeconds=FORGOTTEN_S)
            await self._collection.create_indexes([forgotten])

    async def keep(self, event: events.AccessToldV1) -> None:
        """Keep what an event tells, unless more is known already."""
        told = event.data
        documents = [
            *(_of("key", key.id, 1 + key.is_revoked, _KEYS.document(key)) for key in told.keys),
            *(_of("person", person.id, person.revision, _PEOPLE.document(person)) for person in told.people),
            *(_of("session", session, 0, {}) for session in told.ended),
        ]
        seen_at = datetime.now(UTC)  # the server compares it with its own clock
        await self._write([_keeping(document, told.at, seen_at) for document in documents])

    async def key(self, key_id: str) -> KeyRecord | None:
        with errors_named():
            found = await self._collection.find_one({"_id": _id("key", key_id)})
            if found is None or not self._holds(found):
                return None
            key = _KEYS.read_document(found)
            told = await self._collection.find_one({"_id": _id("person", key.person)})
        if key.is_revoked or told is None or not self._holds(told):
            return None
        person = _PEOPLE.read_document(told)
        present = {role for one in person.memberships if one.team == key.team for role in one.roles}
        roles = known_roles(present.intersection(key.roles))
        if not roles:
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
        ids = [_id("session", claims.session), _id("person", claims.person)]
        with errors_named():
            found = {one["_id"]: one for one in await read(self._collection.find({"_id": {"$in": ids}}))}
        if ids[0] in found:
            return True
        if ids[1] not in found:
            return False  # nobody has told of them yet: the token is proof enough
        person = _PEOPLE.read_document(found[ids[1]])
        return claims.epoch < person.epoch and claims.session != person.kept_session

    async def used(self, key_id: str) -> None:
        """Tell the accounts service, once an hour; a bus that is away keeps nobody out."""
        now = self._clock()
        hour = now - now % HOUR_S
        if self._used.get(key_id) == hour:
            return
        self._used[key_id] = hour
        attributes = events.envelope(
            event_id=f"{key_id}/used-{int(hour)}", source=f"quorate/{self._service}", subject=key_id, at=now
        )
        used = events.KeyUsedV1(**attributes, data=events.KeyUsed(key=key_id, at=now))
        with contextlib.suppress(Unavailable, StorageFull):
            await self._bus.publish([events.message(used)])

    def _holds(self, document: Document) -> bool:
        return self._clock() < document["told_at"] + TOLD_S

    async def _write(self, updates: Sequence[UpdateOne]) -> None:
        """Send all updates; an upsert that finds its id taken meets a later revision, which stays."""
        if not updates:
            return
        try:
            with errors_named():
                await self._collection.bulk_write(updates, ordered=False)
        except BulkWriteError as error:
            if any(failed["code"] != DUPLICATE_KEY for failed in error.details["writeErrors"]):
                raise


def _id(kind: str, of: str) -> str:
    return f"{kind}:{of}"


def _of(kind: str, of: str, revision: int, fields: Document) -> Document:
    return {"_id": _id(kind, of), "revision": revision, **fields}


def _keeping(document: Document, told_at: float, seen_at: datetime) -> UpdateOne:
    """Write a document unless there is one of a later revision."""
    guard = {"_id": document["_id"], "revision": {"$lte": document["revision"]}}
    fields = {name: value for name, value in document.items() if name != "_id"} | {"seen_at": seen_at}
    return UpdateOne(guard, {"$set": fields, "$max": {"told_at": told_at}}, upsert=True)
