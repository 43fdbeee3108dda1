"""Accounts in MongoDB: one document each, changed by guarded writes.

The field `id` is `_id` once more, for indexes that end in it: not every server has those on `_id`.
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from pymongo import IndexModel

from services.accounts.announcements import SOURCE, Announce, erased_told
from services.accounts.audit_listing import AuditListing
from services.accounts.credentials import Invitation, Key, Session
from services.accounts.device import DeviceRequest, Guesses
from services.accounts.domain import Identity, Person, Team
from services.accounts.erasure import ErasedPerson
from services.accounts.store import Change
from services.accounts.store.codec import (
    DEVICES,
    ENTRIES,
    ERASURES,
    GUESSES,
    INVITATIONS,
    KEYS,
    PEOPLE,
    SESSIONS,
    TEAMS,
    erasure_fields,
    invitation_fields,
    key_fields,
)
from shared import events
from shared.audit import AuditEntry
from shared.clock import Clock
from shared.codec import Codec
from shared.events import Message
from shared.mongo import Documents
from shared.mongo.connection import Collection, Document, MongoDatabase, insert_new, read
from shared.mongo.faults import errors_named
from shared.mongo.indexes import build
from shared.mongo.origins import INDEXES as ORIGIN_INDEXES
from shared.mongo.origins import Origins
from shared.mongo.outbox import INDEXES as OUTBOX_INDEXES
from shared.mongo.outbox import Outboxes

S = TypeVar("S")
LAST = "\x7f"
"""Behind every id."""

INDEXES = {
    "teams": [*OUTBOX_INDEXES],
    "people": [
        IndexModel([("id", 1)], name="by_id"),
        IndexModel([("name_key", 1)], name="by_name", unique=True),
        IndexModel([("teams", 1), ("name_key", 1)], name="members"),
        IndexModel([("identity", 1)], name="by_identity", unique=True, sparse=True),
        *OUTBOX_INDEXES,
    ],
    "sessions": [IndexModel([("created_at", 1)], name="by_age"), *OUTBOX_INDEXES],
    "keys": [
        IndexModel([("live_team", 1), ("id", 1)], name="in_team"),
        IndexModel([("live_team", 1), ("person", 1), ("id", 1)], name="of_person"),
        IndexModel([("id", 1)], name="by_id"),
        *OUTBOX_INDEXES,
    ],
    "invitations": [IndexModel([("team", 1), ("open_until", 1)], name="open"), *OUTBOX_INDEXES],
    "devices": [IndexModel([("expires_at", 1)], name="by_end"), *OUTBOX_INDEXES],
    "audit": [
        IndexModel([("team", 1), ("id", 1)], name="of_team"),
        IndexModel([("team", 1), ("actor", 1), ("id", 1)], name="by_actor"),
        IndexModel([("team", 1), ("action", 1), ("id", 1)], name="by_action"),
        IndexModel([("team", 1), ("body.object", 1), ("id", 1)], name="by_object"),
        IndexModel([("actor", 1), ("id", 1)], name="of_actor"),
    ],
    "erasures": [
        IndexModel([("erased_at", 1)], name="newest"),
        IndexModel([("unfinished", 1)], name="unfinished", sparse=True),
        *OUTBOX_INDEXES,
    ],
    "origins": ORIGIN_INDEXES,
}


class KeptDocuments(Generic[S]):
    """States of one kind, a document each."""

    def __init__(self, documents: Documents[S], clock: Clock, what: str, announce: Announce) -> None:
        self.documents = documents
        self._announce = announce
        self._clock = clock
        self._what = what

    async def insert(self, state: S, *, noted: Sequence[AuditEntry] = ()) -> bool:
        return not await self.documents.insert([(state, self._events(None, state, noted))])

    async def find(self, state_id: str) -> S:
        return (await self.documents.find(state_id, self._what)).state

    async def update(self, state_id: str, change: Change[S], *, noted: Sequence[AuditEntry] = ()) -> S:
        async def rule(state: S) -> tuple[S, list[Message]]:
            after = change(state, self._clock())
            return after, self._events(state, after, noted) if after is not state else []

        return await self.documents.change(state_id, self._what, rule)

    def _events(self, before: S | None, after: Any, noted: Sequence[AuditEntry]) -> list[Message]:
        told = self._announce(before, after, self._clock())
        return [*told, *events.notes(after.id, SOURCE, noted)]


class MongoAccountStore:
    """An `AccountStore` on a database of its own, for as many processes as like."""

    def __init__(self, database: MongoDatabase, clock: Clock, announce: Announce = erased_told) -> None:
        self._database = database
        self._origins = Origins(database["origins"], clock)

        def kept(name: str, what: str, codec: Codec[S], fields: Callable[[S], Document]) -> KeptDocuments[S]:
            def keys(state: S) -> Document:
                found = fields(state)
                return {"_id": found["id"], **found}

            documents = Documents(database[name], codec=codec, keys=keys, clock=clock, origins=self._origins)
            return KeptDocuments(documents, clock, what, announce)

        self.teams: KeptDocuments[Team] = kept("teams", "team", TEAMS, lambda one: {"id": one.id})
        self.people: KeptDocuments[Person] = kept("people", "person", PEOPLE, _person_fields)
        self.sessions: KeptDocuments[Session] = kept("sessions", "session", SESSIONS, _session_fields)
        self.keys: KeptDocuments[Key] = kept("keys", "key", KEYS, key_fields)
        self.invitations: KeptDocuments[Invitation] = kept("invitations", "invitation", INVITATIONS, invitation_fields)
        self.devices: KeptDocuments[DeviceRequest] = kept("devices", "request", DEVICES, _device_fields)
        self.guesses: KeptDocuments[Guesses] = kept("guesses", "", GUESSES, lambda one: {"id": one.id})

        self.erasures: KeptDocuments[ErasedPerson] = kept("erasures", "erasure", ERASURES, erasure_fields)

        kinds = (self.teams, self.people, self.sessions, self.keys, self.invitations, self.devices, self.erasures)
        self._outboxes = Outboxes([kind.documents.outbox for kind in kinds])

    @property
    def revision(self) -> None:
        """Other processes write, too."""

    async def prepare(self) -> None:
        """Create the indexes that are missing."""
        await build(self._database, INDEXES)

    async def newest_erasures(self, limit: int) -> list[ErasedPerson]:
        return await self._states(ERASURES, self._database["erasures"], {}, "erased_at", limit, direction=-1)

    async def unfinished_erasures(self, limit: int) -> list[ErasedPerson]:
        return await self._states(ERASURES, self._database["erasures"], {"unfinished": {"$eq": 1}}, "erased_at", limit)

    async def rename_in_audit(self, actor: str, name: str, *, after: str, limit: int) -> str | None:
        audit, query = self._database["audit"], {"actor": {"$eq": actor}, "id": {"$gt": after}}
        with errors_named():
            found = await read(audit.find(query, {"id": 1}).sort("id", 1), limit)
            ids = [one["id"] for one in found]
            nameless = {"body.actor_name": name, "body.address": ""}
            await audit.update_many({"_id": {"$in": ids}}, {"$set": nameless})
        return ids[-1] if len(ids) == limit else None

    async def has_people(self) -> bool:
        with errors_named():
            return await self._database["people"].find_one({}, {"_id": 1}) is not None

    async def person_named(self, name_key: str) -> Person | None:
        with errors_named():
            found = await self._database["people"].find_one({"name_key": {"$eq": name_key}})
        return None if found is None else PEOPLE.read_document(found)

    async def person_known_as(self, identity: Identity) -> Person | None:
        with errors_named():
            found = await self._database["people"].find_one({"identity": {"$eq": identity.key}})
        return None if found is None else PEOPLE.read_document(found)

    async def members(self, team: str, *, after: str, limit: int) -> list[Person]:
        query = {"teams": team, "name_key": {"$gt": after}}  # `teams` is an array that holds it
        return await self._states(PEOPLE, self._database["people"], query, "name_key", limit)

    async def keys_of(self, team: str, person: str, limit: int) -> list[Key]:
        query = {"live_team": {"$eq": team}, "person": {"$eq": person}}
        return await self._states(KEYS, self._database["keys"], query, "id", limit)

    async def keys_in(self, team: str, *, after: str, limit: int) -> list[Key]:
        query = {"live_team": {"$eq": team}, "id": {"$gt": after}}
        return await self._states(KEYS, self._database["keys"], query, "id", limit)

    async def open_invitations(self, team: str, *, now: float, limit: int) -> list[Invitation]:
        query = {"team": {"$eq": team}, "open_until": {"$gt": now}}
        return await self._states(INVITATIONS, self._database["invitations"], query, "open_until", limit)

    async def forget_sessions(self, *, begun_before: float, limit: int) -> None:
        await self._remove("sessions", {"created_at": {"$lt": begun_before}}, limit)

    async def forget_devices(self, *, expired_before: float, limit: int) -> None:
        await self._remove("devices", {"expires_at": {"$lt": expired_before}}, limit)

    async def keys_told(self, *, after: str, limit: int) -> list[Key]:
        query = {"id": {"$gt": after}, "live_team": {"$gt": ""}}
        return await self._states(KEYS, self._database["keys"], query, "id", limit)

    async def people_told(self, *, after: str, limit: int) -> list[Person]:
        return await self._states(PEOPLE, self._database["people"], {"id": {"$gt": after}}, "id", limit)

    async def pending(self, limit: int) -> list[Message]:
        return await self._outboxes.pending(limit)

    async def clear(self, ids: Sequence[str]) -> None:
        await self._outboxes.clear(ids)

    async def beat(self) -> None:
        await self._origins.beat()

    async def append(self, entry: AuditEntry) -> None:
        fields = {"id": entry.id, "team": entry.team, "actor": entry.actor, "action": entry.action}
        await insert_new(self._database["audit"], [{"_id": entry.id, **fields, **ENTRIES.document(entry)}])

    async def entries(self, team: str, listing: AuditListing, *, before: str, limit: int) -> list[AuditEntry]:
        query: Document = {"team": {"$eq": team}, "id": {"$gte": listing.first, "$lt": listing.end(before)}}
        wanted = {"actor": listing.actor, "action": listing.action, "body.object": listing.object}
        query |= {name: {"$eq": value} for name, value in wanted.items() if value is not None}
        return await self._states(ENTRIES, self._database["audit"], query, "id", limit, direction=-1)

    async def _remove(self, name: str, query: Document, limit: int) -> None:
        collection = self._database[name]
        with errors_named():
            if ids := [one["_id"] for one in await read(collection.find(query, {"_id": 1}), limit)]:
                await collection.delete_many({"_id": {"$in": ids}})

    async def _states(
        self, codec: Codec[S], collection: Collection, query: Document, order: str, limit: int, *, direction: int = 1
    ) -> list[S]:
        with errors_named():
            found = await read(collection.find(query).sort(order, direction), limit)
        return [codec.read_document(one) for one in found]


def _person_fields(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "name_key": person.name_key,
        "teams": [one.team for one in person.memberships],
        "identity": None if person.identity is None else person.identity.key,
    }


def _session_fields(session: Session) -> dict[str, Any]:
    return {"id": session.id, "created_at": session.created_at}


def _device_fields(request: DeviceRequest) -> dict[str, Any]:
    return {"id": request.id, "expires_at": request.expires_at}
