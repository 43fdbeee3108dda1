"""Tasks in SQLite. The writer thread is alone, so a rule is asked once, inside the transaction that saves it."""

import sqlite3
from collections.abc import Sequence

import orjson

from services.task_manager.announcements import SOURCE
from services.task_manager.counting import STATES, counts_in
from services.task_manager.domain import (
    Counts,
    Image,
    Task,
    counted_votes,
    end_uploads,
    refuse_processing,
    refuse_unless_open,
)
from services.task_manager.listing import Listing
from services.task_manager.order import BACKWARDS, LAST, By, key_of
from services.task_manager.purging import is_due
from services.task_manager.quotas import Allowed, Usage, refuse_images, refuse_task
from services.task_manager.statistics import Saved
from services.task_manager.store import (
    ANY,
    IMAGE_KEYS,
    MAX_STANDING,
    RATED,
    STANDING,
    TASK_KEYS,
    A,
    AnnounceChange,
    AnnounceImage,
    AnnounceRemoved,
    AnnounceTask,
    DecideImage,
    DecideStep,
    DecideTask,
    Stepped,
    spent_by,
)
from services.task_manager.store.codec import IMAGES, TASKS
from services.task_manager.store.sqlite import usage
from services.task_manager.store.sqlite.schema import listing_keys
from shared import events
from shared.audit import AuditEntry
from shared.clock import Clock
from shared.decision import Decision
from shared.errors import NotFound
from shared.events import Message
from shared.objects.keys import image_of
from shared.outbox.sqlite import SqliteOutbox
from shared.sqlite import Database
from shared.teams import key_without

_UNERASED = "state = 'cancelled' AND NOT is_erased"
_TASK = f"SELECT body, images, {', '.join(STATES)}"


class SqliteTaskStore(SqliteOutbox):
    """A `TaskStore` on one SQLite file."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        announce_task: AnnounceTask,
        announce_image: AnnounceImage,
        announce_change: AnnounceChange,
        announce_removed: AnnounceRemoved,
    ) -> None:
        super().__init__(database)
        self._clock = clock
        self._announce_removed = announce_removed
        self._announce_task = announce_task
        self._announce_image = announce_image
        self._announce_change = announce_change

    async def create(
        self,
        task: Task,
        facts: tuple[str, ...] = (),
        *,
        allowed: Allowed = ANY,
        noted: Sequence[AuditEntry] = (),
    ) -> Task | None:
        def insert(db: sqlite3.Connection) -> Task | None:
            used = None if allowed.open_tasks is None else usage.of(db, task.team)
            row = (task.id, task.created_at, task.state, task.is_erased, task.team)
            columns = "id, created_at, state, is_erased, team, owner, age_key, name_key, body"
            statement = f"INSERT OR IGNORE INTO tasks ({columns}) VALUES (?,?,?,?,?,?,?,?,?)"  # noqa: S608 - ours
            if not db.execute(statement, (*row, *listing_keys(task), TASKS.text(task))).rowcount:
                return self._find(db, task.id)[0]
            if used is not None:
                refuse_task(allowed, used)
            self._keep(db, self._announce_task(task, facts, task.created_at))
            self._keep(db, events.notes(task.id, SOURCE, noted))
            return None

        return await self._database.write(insert)

    async def find(self, task_id: str) -> tuple[Task, Counts]:
        return await self._database.read(lambda db: self._find(db, task_id))

    async def task(self, task_id: str) -> Task:
        return (await self.find(task_id))[0]

    async def recount(self, task_id: str) -> Counts:
        try:
            return (await self.find(task_id))[1]
        except NotFound:
            return Counts()

    async def tasks(self, listing: Listing, *, after: str, limit: int) -> list[tuple[Task, Counts, str]]:
        key = TASK_KEYS[listing.order]
        where, owner = (" AND owner = ?", (listing.owner,)) if listing.owner is not None else ("", ())
        query = f"""SELECT {key}, id FROM tasks WHERE state = ?{where} AND {key} > ? AND {key} < ?
                    ORDER BY {key} LIMIT ?"""  # noqa: S608 - only columns of ours
        part = (*listing.span(after), limit)

        def select(db: sqlite3.Connection) -> list[tuple[Task, Counts, str]]:
            found = [row for state in listing.states for row in db.execute(query, (state, *owner, *part))]
            return [
                (*self._find(db, task_id), key_without(listing.team, key)) for key, task_id in sorted(found)[:limit]
            ]

        return await self._database.read(select)

    async def task_ids(self, *, after: str, limit: int) -> list[str]:
        query = "SELECT id FROM tasks WHERE id > ? ORDER BY id LIMIT ?"
        return await self._database.read(lambda db: [row[0] for row in db.execute(query, (after, limit)).fetchall()])

    async def update(self, task_id: str, decide: DecideTask) -> Task:
        return await self._database.write(lambda db: self._update(db, task_id, decide))

    async def forget_uploads(self) -> None:
        """End every upload: one process owns the file, so those under way ended with the last one."""

        def forget(db: sqlite3.Connection) -> None:
            for (task_id,) in db.execute("SELECT id FROM tasks WHERE has_uploads").fetchall():
                self._update(db, task_id, end_uploads)

        await self._database.write(forget)

    async def known(self, task_id: str, image_ids: Sequence[str]) -> set[str]:
        query = "SELECT 1 FROM images WHERE task_id = ? AND id = ?"
        return await self._database.read(
            lambda db: {i for i in image_ids if db.execute(query, (task_id, i)).fetchone()}
        )

    async def add_images(self, task: Task, images: Sequence[Image], *, allowed: Allowed = ANY) -> set[str]:
        def insert(db: sqlite3.Connection) -> set[str]:
            refuse_unless_open(self._find(db, task.id)[0])
            added = [image for image in images if self._insert(db, image)]
            if added and allowed.bounds_images:
                refuse_images(allowed, usage.of(db, task.team), added)
            usage.change(db, task.id, (), added)
            self._keep(db, self._announced(task, added))
            return {image.id for image in images} - {image.id for image in added}

        return await self._database.write(insert)

    async def usage(self, team: str) -> Usage:
        return await self._database.read(lambda db: usage.of(db, team))

    async def teams(self, *, after: str, limit: int) -> list[str]:
        return await self._database.read(lambda db: usage.teams(db, after, limit))

    async def update_image(self, task_id: str, image_id: str, decide: DecideImage[None]) -> bool:
        def change(db: sqlite3.Connection) -> bool:
            before = self._find_image(db, task_id, image_id)
            image = decide(before, self._clock()).state
            if image is not before:
                self._write_image(db, image)
                usage.change(db, task_id, [before], [image])
            return self._is_finished(db, task_id)

        return await self._database.write(change)

    async def take_step(self, task_id: str, image_id: str, decide: DecideStep) -> Stepped:
        def change(db: sqlite3.Connection) -> Stepped:
            task, before, now = self._find(db, task_id)[0], self._find_image(db, task_id, image_id), self._clock()
            decision = decide(task, before, now)
            if decision.state is not before:
                children = [child for child in decision.answer if self._insert(db, child)]
                self._keep(db, self._announced(task, children))
                self._write_image(db, decision.state)
                usage.change(db, task_id, [before], [decision.state, *children])
                self._keep(db, self._announce_change(task, decision.state, decision.facts, now))
            return Stepped(is_finished=self._is_finished(db, task_id), spent=spent_by(before, decision.state))

        return await self._database.write(change)

    async def change_image(self, task: Task, image_id: str, decide: DecideImage[A]) -> Decision[Image, A]:
        def change(db: sqlite3.Connection) -> Decision[Image, A]:
            before, now = self._find_image(db, task.id, image_id), self._clock()
            decision = decide(before, now)
            if decision.state is not before:
                self._write_image(db, decision.state)
                self._keep(db, self._announce_change(task, decision.state, decision.facts, now))
            return decision

        return await self._database.write(change)

    async def image(self, task_id: str, image_id: str) -> Image:
        return await self._database.read(lambda db: self._find_image(db, task_id, image_id))

    async def remove_image(self, task_id: str, image_id: str, *, noted: Sequence[AuditEntry] = ()) -> str:
        def remove(db: sqlite3.Connection) -> str:
            if self._find(db, task_id)[0].state == "cancelled":
                raise NotFound("no such image")
            key = (task_id, image_id)
            before = db.execute("SELECT object_key FROM removed WHERE task_id = ? AND image_id = ?", key).fetchone()
            if before and not db.execute("SELECT 1 FROM images WHERE task_id = ? AND id = ?", key).fetchone():
                return before[0]
            image = self._find_image(db, task_id, image_id)
            refuse_processing(image)
            db.execute("DELETE FROM images WHERE task_id = ? AND id = ?", key)
            insert = "INSERT OR REPLACE INTO removed (task_id, image_id, object_key) VALUES (?,?,?)"
            db.execute(insert, (*key, image.object_key))
            db.execute("UPDATE tasks SET changes = changes + 1 WHERE id = ?", (task_id,))
            usage.change(db, task_id, [image], ())
            self._keep(db, [self._announce_removed(image, image_id, self._clock())])
            self._keep(db, events.notes(image_id, SOURCE, noted))
            return image.object_key

        return await self._database.write(remove)

    async def finish_removals(self) -> None:
        """Nothing: a removal is one transaction."""

    async def images(
        self, task_id: str, *, state: str | None, label: str | None, after: str, limit: int, by: By = "id"
    ) -> list[Image]:
        key = IMAGE_KEYS[by]
        where, values = f"task_id = ? AND {key} > ?", [task_id, "" if by in BACKWARDS else after]
        if by in BACKWARDS:
            where += f" AND {key} < ?"
            values.append(after or LAST)
        for column, value in (("state", state), ("label", label)):
            if value is not None:
                where += f" AND {column} = ?"
                values.append(value)
        direction = "DESC" if by in BACKWARDS else "ASC"
        query = f"SELECT body FROM images WHERE {where} ORDER BY {key} {direction} LIMIT ?"  # noqa: S608 - our columns
        return await self._database.read(
            lambda db: [IMAGES.read_text(body) for (body,) in db.execute(query, (*values, limit))]
        )

    async def votes_since(self, task_id: str, since: float) -> int:
        newest = """SELECT counted_votes FROM images WHERE task_id = ? AND ended_at > ?
                    ORDER BY ended_at DESC LIMIT ?"""
        count = f"SELECT coalesce(sum(counted_votes), 0) FROM ({newest})"  # noqa: S608 - a constant
        return await self._database.read(lambda db: db.execute(count, (task_id, since, RATED)).fetchone()[0])

    async def has_ended_since(self, task_id: str, since: float) -> bool:
        query = "SELECT 1 FROM images WHERE task_id = ? AND ended_at > ? LIMIT 1"
        return await self._database.read(lambda db: db.execute(query, (task_id, since)).fetchone() is not None)

    async def changes(self, task_id: str) -> str:
        query = "SELECT changes FROM tasks WHERE id = ?"
        row = await self._database.read(lambda db: db.execute(query, (task_id,)).fetchone())
        return "0" if row is None else str(row[0])

    async def statistics(self, task_id: str) -> Saved | None:
        query = "SELECT body FROM statistics WHERE task_id = ?"
        row = await self._database.read(lambda db: db.execute(query, (task_id,)).fetchone())
        return None if row is None else orjson.loads(row[0])

    async def save_statistics(self, task_id: str, saved: Saved) -> None:
        insert = "INSERT OR REPLACE INTO statistics (task_id, body) VALUES (?,?)"

        def save(db: sqlite3.Connection) -> None:
            if self._find(db, task_id)[0].state != "cancelled":
                db.execute(insert, (task_id, orjson.dumps(saved)))

        await self._database.write(save)

    async def is_finished(self, task_id: str) -> bool:
        return await self._database.read(lambda db: self._is_finished(db, task_id))

    async def remove_images(self, task_id: str, limit: int) -> int:
        remove = """DELETE FROM images WHERE rowid IN (
            SELECT i.rowid FROM images i JOIN tasks t ON t.id = i.task_id
            WHERE i.task_id = ? AND t.state = 'cancelled' LIMIT ?)"""

        def change(db: sqlite3.Connection) -> int:
            removed = db.execute(remove, (task_id, limit)).rowcount
            if removed < limit:
                none = ", ".join(f"{column} = 0" for column in ("images", "bytes", *STATES))
                db.execute(f"UPDATE tasks SET {none} WHERE id = ? AND state = 'cancelled'", (task_id,))  # noqa: S608 - ours
                db.execute("DELETE FROM removed WHERE task_id = ?", (task_id,))
                db.execute("DELETE FROM statistics WHERE task_id = ?", (task_id,))
            return removed

        return await self._database.write(change)

    async def referenced(self, object_keys: Sequence[str]) -> set[str]:
        query = "SELECT object_key, work_key FROM images WHERE task_id = ? AND id = ?"

        def select(db: sqlite3.Connection) -> set[str]:
            rows = (db.execute(query, image_of(key)).fetchone() for key in object_keys)
            return {key for row in rows if row for key in row} & set(object_keys)

        return await self._database.read(select)

    async def standing(self) -> dict[str, int]:
        counts = {
            state: f"SELECT count(*) FROM (SELECT 1 FROM tasks WHERE {where} LIMIT {MAX_STANDING})"  # noqa: S608 - ours
            for state, where in zip(STANDING, ("state = 'open'", "state = 'sealed'", _UNERASED), strict=True)
        }
        return await self._database.read(
            lambda db: {state: db.execute(count).fetchone()[0] for state, count in counts.items()}
        )

    async def unerased(self) -> list[str]:
        query = f"SELECT id FROM tasks WHERE {_UNERASED}"  # noqa: S608 - a constant
        return await self._database.read(lambda db: [row[0] for row in db.execute(query)])

    async def purgeable(self, *, before: float, limit: int) -> list[str]:
        query = "SELECT body FROM tasks WHERE state = 'cancelled' AND is_erased AND created_at < ? ORDER BY created_at"

        def select(db: sqlite3.Connection) -> list[str]:
            oldest = (TASKS.read_text(body) for (body,) in db.execute(f"{query} LIMIT ?", (before, limit)))
            return [task.id for task in oldest if is_due(task, before=before)]

        return await self._database.read(select)

    async def forget(self, task_id: str) -> bool:
        """Its events are kept beside it, and stay."""

        def forget(db: sqlite3.Connection) -> bool:
            row = db.execute("SELECT body FROM tasks WHERE id = ?", (task_id,)).fetchone()
            if row is None or not TASKS.read_text(row[0]).is_purged:
                return False
            for table, column in (("removed", "task_id"), ("statistics", "task_id"), ("tasks", "id")):
                db.execute(f"DELETE FROM {table} WHERE {column} = ?", (task_id,))  # noqa: S608 - ours
            return True

        return await self._database.write(forget)

    async def unfinished(self) -> list[str]:
        query = f"SELECT id FROM tasks WHERE {_FINISHED}"  # noqa: S608 - a constant
        return await self._database.read(lambda db: [row[0] for row in db.execute(query)])

    def _find(self, db: sqlite3.Connection, task_id: str) -> tuple[Task, Counts]:
        row = db.execute(f"{_TASK} FROM tasks WHERE id = ?", (task_id,)).fetchone()
        if row is None:
            raise NotFound("no such task")
        return TASKS.read_text(row[0]), _counts(row)

    def _update(self, db: sqlite3.Connection, task_id: str, decide: DecideTask) -> Task:
        before, _ = self._find(db, task_id)
        now = self._clock()
        decision = decide(before, now)
        task = decision.state
        if task is not before:
            db.execute(
                """UPDATE tasks SET state = ?, is_erased = ?, has_uploads = ?, owner = ?, name_key = ?, body = ?
                   WHERE id = ?""",
                (
                    task.state,
                    task.is_erased,
                    bool(task.uploads),
                    task.owner,
                    listing_keys(task)[-1],
                    TASKS.text(task),
                    task.id,
                ),
            )
            self._keep(db, self._announce_task(task, decision.facts, now))
            self._keep(db, events.notes(task.id, SOURCE, decision.noted))
        return task

    def _find_image(self, db: sqlite3.Connection, task_id: str, image_id: str) -> Image:
        row = db.execute("SELECT body FROM images WHERE task_id = ? AND id = ?", (task_id, image_id)).fetchone()
        if row is None:
            raise NotFound("no such image")
        return IMAGES.read_text(row[0])

    def _write_image(self, db: sqlite3.Connection, image: Image) -> None:
        result = image.result
        ended = (result and result.label, key_of(image, "uncertain"), result and result.completed_at)
        db.execute(
            """UPDATE images SET state = ?, label = ?, agreement_key = ?, ended_at = ?, counted_votes = ?,
               object_key = ?, work_key = ?, body = ? WHERE task_id = ? AND id = ?""",
            (
                image.state,
                *ended,
                counted_votes(image),
                image.object_key,
                image.work_key,
                IMAGES.text(image),
                image.task_id,
                image.id,
            ),
        )
        db.execute("UPDATE tasks SET changes = changes + 1 WHERE id = ?", (image.task_id,))

    def _is_finished(self, db: sqlite3.Connection, task_id: str) -> bool:
        query = f"SELECT 1 FROM tasks WHERE id = ? AND {_FINISHED}"  # noqa: S608 - a constant
        return db.execute(query, (task_id,)).fetchone() is not None

    def _insert(self, db: sqlite3.Connection, image: Image) -> bool:
        keys = (key_of(image, "upload"), key_of(image, "name"))
        row = (image.task_id, image.id, image.state, image.object_key, image.work_key, *keys, IMAGES.text(image))
        insert = """INSERT OR IGNORE INTO images (task_id, id, state, object_key, work_key, upload_key, name_key, body)
                    VALUES (?,?,?,?,?,?,?,?)"""
        is_new = db.execute(insert, row).rowcount == 1
        if is_new and image.result is not None:
            self._write_image(db, image)
        return is_new

    def _announced(self, task: Task, images: Sequence[Image]) -> list[Message]:
        return [message for image in images for message in self._announce_image(task, image)]


_FINISHED = """state = 'sealed' AND NOT EXISTS (
    SELECT 1 FROM images WHERE images.task_id = tasks.id AND images.state IN ('open', 'processing'))"""


def _counts(row: Sequence[int]) -> Counts:
    return counts_in(row[1], dict(zip(STATES, row[2:], strict=True)))
