"""Accounts in SQLite. The writer thread is alone, so a rule is asked once, inside the transaction that saves it."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from services.accounts.announcements import SOURCE, Announce, erased_told
from services.accounts.audit_listing import AuditListing
from services.accounts.credentials import Invitation, Key, Session
from services.accounts.device import DeviceRequest, Guesses
from services.accounts.domain import Identity, Person, Team
from services.accounts.erasure import ErasedPerson, without_name
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
from shared.errors import NotFound
from shared.outbox.sqlite import SqliteOutbox
from shared.sqlite import Database

S = TypeVar("S")
Row = dict[str, Any]
Keep = Callable[[sqlite3.Connection, Any, Any, Sequence[AuditEntry]], None]


class Table(Generic[S]):
    """States of one kind: a row each, with what queries need beside the body.

    row: the columns beside the body. keep: keeps the events of a change from one state to another with these entries
    of the audit, within its transaction. beside: writes what other tables have of a state, there too.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        name: str,
        *,
        codec: Codec[S],
        row: Callable[[S], Row],
        what: str,
        keep: Keep,
        beside: Callable[[sqlite3.Connection, S], None] = lambda _db, _state: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._name = name
        self._codec = codec
        self._row = row
        self._what = what
        self._keep = keep
        self._beside = beside

    async def insert(self, state: S, *, noted: Sequence[AuditEntry] = ()) -> bool:
        row = self._row(state) | {"body": self._codec.text(state)}
        places = ",".join("?" * len(row))
        statement = f"INSERT INTO {self._name} ({', '.join(row)}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608 - ours

        def insert(db: sqlite3.Connection) -> bool:
            is_new = db.execute(statement, tuple(row.values())).rowcount == 1
            if is_new:
                self._beside(db, state)
                self._keep(db, None, state, noted)
            return is_new

        return await self._database.write(insert)

    async def find(self, state_id: str) -> S:
        return await self._database.read(lambda db: self._find(db, state_id))

    async def update(self, state_id: str, change: Change[S], *, noted: Sequence[AuditEntry] = ()) -> S:
        def update(db: sqlite3.Connection) -> S:
            before = self._find(db, state_id)
            after = change(before, self._clock())
            if after is not before:
                row = self._row(after) | {"body": self._codec.text(after)}
                columns = ", ".join(f"{column} = ?" for column in row)
                db.execute(f"UPDATE {self._name} SET {columns} WHERE id = ?", (*row.values(), state_id))  # noqa: S608 - ours
                self._beside(db, after)
                self._keep(db, before, after, noted)
            return after

        return await self._database.write(update)

    def _find(self, db: sqlite3.Connection, state_id: str) -> S:
        found = db.execute(f"SELECT body FROM {self._name} WHERE id = ?", (state_id,)).fetchone()  # noqa: S608 - ours
        if found is None:
            raise NotFound(f"no such {self._what}")
        return self._codec.read_text(found[0])


class SqliteAccountStore(SqliteOutbox):
    """An `AccountStore` on one SQLite file."""

    def __init__(self, database: Database, clock: Clock, announce: Announce = erased_told) -> None:
        super().__init__(database)
        self._clock = clock
        self._announce = announce

        def table(
            name: str,
            what: str,
            codec: Codec[S],
            row: Callable[[S], Row],
            beside: Callable[[sqlite3.Connection, S], None] = lambda _db, _state: None,
        ) -> Table[S]:
            return Table(database, clock, name, codec=codec, row=row, what=what, keep=self._keep_events, beside=beside)

        self.teams: Table[Team] = table("teams", "team", TEAMS, lambda one: {"id": one.id})
        self.people: Table[Person] = table("people", "person", PEOPLE, _person_row, _keep_memberships)
        self.sessions: Table[Session] = table("sessions", "session", SESSIONS, _session_row)
        self.keys: Table[Key] = table("keys", "key", KEYS, key_fields)
        self.invitations: Table[Invitation] = table("invitations", "invitation", INVITATIONS, invitation_fields)
        self.devices: Table[DeviceRequest] = table("devices", "request", DEVICES, _device_row)
        self.guesses: Table[Guesses] = table("guesses", "guesses", GUESSES, lambda one: {"id": one.id})
        self.erasures: Table[ErasedPerson] = table("erasures", "erasure", ERASURES, erasure_fields)

    def _keep_events(self, db: sqlite3.Connection, before: Any, after: Any, noted: Sequence[AuditEntry]) -> None:
        told = self._announce(before, after, self._clock())
        self._keep(db, [*told, *events.notes(after.id, SOURCE, noted)])

    @property
    def revision(self) -> int:
        return self._database.commits

    async def newest_erasures(self, limit: int) -> list[ErasedPerson]:
        return await self._states(ERASURES, "SELECT body FROM erasures ORDER BY erased_at DESC LIMIT ?", limit)

    async def unfinished_erasures(self, limit: int) -> list[ErasedPerson]:
        return await self._states(ERASURES, "SELECT body FROM erasures WHERE unfinished = 1 LIMIT ?", limit)

    async def rename_in_audit(self, actor: str, name: str, *, after: str, limit: int) -> str | None:
        query = "SELECT id, body FROM audit WHERE actor = ? AND id > ? ORDER BY id LIMIT ?"

        def rename(db: sqlite3.Connection) -> str | None:
            found = db.execute(query, (actor, after, limit)).fetchall()
            entries = (without_name(ENTRIES.read_text(body), name) for _, body in found)
            db.executemany("UPDATE audit SET body = ? WHERE id = ?", [(ENTRIES.text(one), one.id) for one in entries])
            return found[-1][0] if len(found) == limit else None

        return await self._database.write(rename)

    async def has_people(self) -> bool:
        return bool(await self._rows("SELECT id FROM people LIMIT 1"))

    async def person_named(self, name_key: str) -> Person | None:
        found = await self._states(PEOPLE, "SELECT body FROM people WHERE name_key = ?", name_key)
        return found[0] if found else None

    async def person_known_as(self, identity: Identity) -> Person | None:
        found = await self._states(PEOPLE, "SELECT body FROM people WHERE identity = ?", identity.key)
        return found[0] if found else None

    async def members(self, team: str, *, after: str, limit: int) -> list[Person]:
        query = """SELECT body FROM memberships m JOIN people p ON p.id = m.person
                   WHERE m.team = ? AND m.name_key > ? ORDER BY m.name_key LIMIT ?"""
        return await self._states(PEOPLE, query, team, after, limit)

    async def keys_of(self, team: str, person: str, limit: int) -> list[Key]:
        query = "SELECT body FROM keys WHERE live_team = ? AND person = ? ORDER BY id LIMIT ?"
        return await self._states(KEYS, query, team, person, limit)

    async def keys_in(self, team: str, *, after: str, limit: int) -> list[Key]:
        query = "SELECT body FROM keys WHERE live_team = ? AND id > ? ORDER BY id LIMIT ?"
        return await self._states(KEYS, query, team, after, limit)

    async def open_invitations(self, team: str, *, now: float, limit: int) -> list[Invitation]:
        query = "SELECT body FROM invitations WHERE team = ? AND open_until > ? ORDER BY open_until LIMIT ?"
        return await self._states(INVITATIONS, query, team, now, limit)

    async def forget_sessions(self, *, begun_before: float, limit: int) -> None:
        remove = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE created_at < ? LIMIT ?)"
        await self._database.write(lambda db: db.execute(remove, (begun_before, limit)).rowcount)

    async def keys_told(self, *, after: str, limit: int) -> list[Key]:
        query = "SELECT body FROM keys WHERE live_team IS NOT NULL AND id > ? ORDER BY id LIMIT ?"
        return await self._states(KEYS, query, after, limit)

    async def people_told(self, *, after: str, limit: int) -> list[Person]:
        return await self._states(PEOPLE, "SELECT body FROM people WHERE id > ? ORDER BY id LIMIT ?", after, limit)

    async def forget_devices(self, *, expired_before: float, limit: int) -> None:
        remove = "DELETE FROM devices WHERE id IN (SELECT id FROM devices WHERE expires_at < ? LIMIT ?)"
        await self._database.write(lambda db: db.execute(remove, (expired_before, limit)).rowcount)

    async def append(self, entry: AuditEntry) -> None:
        row = (entry.id, entry.team, entry.actor, entry.action, ENTRIES.text(entry))
        insert = "INSERT INTO audit (id, team, actor, action, body) VALUES (?,?,?,?,?) ON CONFLICT DO NOTHING"
        await self._database.write(lambda db: db.execute(insert, row).rowcount)

    async def entries(self, team: str, listing: AuditListing, *, before: str, limit: int) -> list[AuditEntry]:
        where, values = "team = ? AND id >= ? AND id < ?", [team, listing.first, listing.end(before)]
        for column in ("actor", "action", "object"):
            if (value := getattr(listing, column)) is not None:
                where += f" AND {column} = ?"
                values.append(value)
        query = f"SELECT body FROM audit WHERE {where} ORDER BY id DESC LIMIT ?"  # noqa: S608 - our columns
        return await self._states(ENTRIES, query, *values, limit)

    async def _states(self, codec: Codec[S], query: str, *values: object) -> list[S]:
        return [codec.read_text(body) for (body,) in await self._rows(query, *values)]

    async def _rows(self, query: str, *values: object) -> list[Any]:
        return await self._database.read(lambda db: db.execute(query, values).fetchall())


def _person_row(person: Person) -> Row:
    identity = None if person.identity is None else person.identity.key
    return {"id": person.id, "name_key": person.name_key, "identity": identity}


def _session_row(session: Session) -> Row:
    return {"id": session.id, "created_at": session.created_at}


def _device_row(request: DeviceRequest) -> Row:
    return {"id": request.id, "expires_at": request.expires_at}


def _keep_memberships(db: sqlite3.Connection, person: Person) -> None:
    db.execute("DELETE FROM memberships WHERE person = ?", (person.id,))
    rows = [(one.team, person.name_key, person.id) for one in person.memberships]
    db.executemany("INSERT INTO memberships (team, name_key, person) VALUES (?,?,?)", rows)
