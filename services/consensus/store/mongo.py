"""Tasks, rows and runs in MongoDB: one document each, changed by guarded writes; pages beside them, written whole.

The field `id` is `_id` once more, for indexes that end in it: not every server has those on `_id`. The row of a removed
image has no `there` and no `place`; a run that is over has no `under_way`, and one with nothing left to do no `due_at`.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from bson import Binary
from pymongo import IndexModel

from services.consensus.row import KnownTask, Row
from services.consensus.run import Kind, Run
from services.consensus.store import ChangeRow, ChangeRun, ChangeTask, PageKey
from services.consensus.store.codec import (
    LAST,
    REMOVED_AT_ONCE,
    ROWS,
    RUNS,
    SOURCE,
    TASKS,
    asked,
    change_of,
    page_id,
    page_key,
    place_of,
)
from shared import events
from shared.audit import AuditEntry
from shared.clock import Clock
from shared.codec import Codec
from shared.errors import NotFound, Unavailable
from shared.events import Message
from shared.mongo import Documents
from shared.mongo.connection import Document, MongoDatabase, count, read
from shared.mongo.faults import errors_named
from shared.mongo.indexes import build
from shared.mongo.origins import Origins
from shared.mongo.outbox import INDEXES as OUTBOX_INDEXES

S = TypeVar("S")

INDEXES = {
    "rows": [
        IndexModel([("task_id", 1), ("id", 1)], name="of_task"),
        IndexModel([("task_id", 1), ("change", 1)], name="changed"),
        IndexModel([("of_team", 1), ("place", 1)], name="of_team", sparse=True),
        IndexModel([("team", 1), ("change", 1)], name="changed_of_team"),
        IndexModel([("id", 1)], name="every"),
    ],
    "runs": [
        *OUTBOX_INDEXES,
        IndexModel([("about", 1), ("asked", 1)], name="about"),
        IndexModel([("due_at", 1)], name="due", sparse=True),
        IndexModel([("under_way", 1)], name="under_way", sparse=True),
        IndexModel([("id", 1)], name="every"),
    ],
    "pages": [IndexModel([("run_id", 1), ("id", 1)], name="of_run")],
}
TRIES = 20


class MongoConsensusStore:
    """A `ConsensusStore` on a database of its own, for as many processes as like."""

    def __init__(self, database: MongoDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._origins = Origins(database["origins"], clock)

        def kept(name: str, codec: Codec[S], keys: Callable[[S], Document]) -> Documents[S]:
            return Documents(database[name], codec=codec, keys=keys, clock=clock, origins=self._origins)

        self._tasks = kept("tasks", TASKS, _task_keys)
        self._kept_rows = kept("rows", ROWS, _row_keys)
        self._runs = kept("runs", RUNS, _run_keys)
        self._pages = database["pages"]

    async def prepare(self) -> None:
        """Create the indexes that are missing."""
        await build(self._database, INDEXES)

    async def task(self, task_id: str) -> KnownTask:
        return (await self._tasks.find(task_id, "task")).state

    async def change_task(self, task_id: str, change: ChangeTask) -> KnownTask:
        found = await _put(self._tasks, task_id, change)
        if found is None:
            raise ValueError("a task's rule makes one")
        return found

    async def forget_task(self, task_id: str) -> None:
        with contextlib.suppress(NotFound):
            stored = await self._tasks.find(task_id, "task")
            if stored.state.state == "erased":
                with errors_named():
                    as_read = {"_id": task_id, "version": stored.document["version"]}
                    await self._tasks.collection.delete_one(as_read)

    async def row(self, image_id: str) -> Row:
        return (await self._kept_rows.find(image_id, "image")).state

    async def change_row(self, image_id: str, change: ChangeRow) -> Row | None:
        return await _put(self._kept_rows, image_id, change)

    async def remove_rows(self, task_id: str, limit: int) -> int:
        rows = self._kept_rows.collection
        with errors_named():
            found = await read(rows.find({"task_id": {"$eq": task_id}}, {"_id": 1}), limit)
            ids = [one["_id"] for one in found]
            return (await rows.delete_many({"_id": {"$in": ids}})).deleted_count if ids else 0

    async def rows(self, task_id: str, *, after: str, limit: int) -> list[Row]:
        """Removed images are passed over: more is read until there are enough."""
        kept: list[Row] = []
        while len(kept) < limit:
            found = await self._found_rows({"task_id": {"$eq": task_id}, "id": {"$gt": after}}, "id", 1, limit)
            kept += [row for row in found if row.is_there]
            if len(found) < limit:
                break
            after = found[-1].image_id
        return kept[:limit]

    async def rows_of_team(self, team: str, *, before: str, limit: int) -> list[Row]:
        query: Document = {"of_team": {"$eq": team}, "place": {"$lt": before or LAST}}
        return await self._found_rows(query, "place", -1, limit)

    async def every_row(self, *, after: str, limit: int) -> list[Row]:
        return await self._found_rows({"id": {"$gt": after}}, "id", 1, limit)

    async def last_change(self, task_id: str) -> str:
        return await self._last({"task_id": {"$eq": task_id}}, "change")

    async def last_change_of_team(self, team: str) -> str:
        return await self._last({"team": {"$eq": team}}, "change")

    async def add_run(self, run: Run, *, noted: Sequence[AuditEntry] = ()) -> bool:
        return not await self._runs.insert([(run, events.notes(run.id, SOURCE, noted))])

    async def run(self, run_id: str) -> Run:
        return (await self._runs.find(run_id, "run")).state

    async def change_run(self, run_id: str, change: ChangeRun, *, noted: Sequence[AuditEntry] = ()) -> Run:
        async def rule(run: Run) -> tuple[Run, Sequence[Message]]:
            after, messages = change(run, self._clock())
            return after, [*messages, *events.notes(run_id, SOURCE, noted)]

        return await self._runs.change(run_id, "run", rule)

    async def is_told(self, run_id: str) -> bool:
        return not (await self._runs.find(run_id, "run")).document["outbox"]

    async def runs(self, team: str, kind: Kind, *, task_id: str, limit: int) -> list[Run]:
        return await self._found_runs({"about": {"$eq": _about(team, kind, task_id)}}, "asked", -1, limit)

    async def under_way(self, team: str, limit: int) -> int:
        return await count(self._runs.collection, {"under_way": {"$eq": team}}, limit)

    async def due(self, *, now: float, limit: int) -> list[Run]:
        return await self._found_runs({"due_at": {"$lte": now}}, "due_at", 1, limit)

    async def every_run(self, *, after: str, limit: int) -> list[Run]:
        return await self._found_runs({"id": {"$gt": after}}, "id", 1, limit)

    async def remove_run(self, run_id: str) -> bool:
        """Its events are kept in its document, so that goes after them."""
        try:
            stored = await self._runs.find(run_id, "run")
        except NotFound:
            await self.remove_pages(run_id, but=None)
            return True
        if stored.document["outbox"]:
            return False
        await self.remove_pages(run_id, but=None)
        as_read = {"_id": run_id, "version": stored.document["version"]}
        with errors_named():
            return (await self._runs.collection.delete_one(as_read)).deleted_count == 1

    async def put_page(self, key: PageKey, body: bytes) -> None:
        name = page_id(key)
        fields: Document = {"id": name, "run_id": key.run_id, "body": Binary(body)}
        with errors_named():
            await self._pages.update_one({"_id": name}, {"$set": fields}, upsert=True)

    async def page(self, key: PageKey) -> bytes | None:
        with errors_named():
            found = await self._pages.find_one({"_id": page_id(key)})
        return None if found is None else bytes(found["body"])

    async def pages(self, run_id: str) -> list[PageKey]:
        with errors_named():
            found = await read(self._pages.find({"run_id": {"$eq": run_id}}, {"id": 1}).sort("id", 1))
        return [page_key(one["id"]) for one in found]

    async def remove_pages(self, run_id: str, *, but: str | None) -> None:
        gone = [page_id(key) for key in await self.pages(run_id) if key.attempt != but]
        for start in range(0, len(gone), REMOVED_AT_ONCE):
            with errors_named():
                await self._pages.delete_many({"_id": {"$in": gone[start : start + REMOVED_AT_ONCE]}})

    async def beat(self) -> None:
        await self._origins.beat()

    async def pending(self, limit: int) -> list[Message]:
        return await self._runs.outbox.pending(limit)

    async def clear(self, ids: Sequence[str]) -> None:
        await self._runs.outbox.clear(ids)

    async def _found_rows(self, query: Document, order: str, direction: int, limit: int) -> list[Row]:
        with errors_named():
            found = await read(self._kept_rows.collection.find(query).sort(order, direction), limit)
        return [ROWS.read_document(one) for one in found]

    async def _found_runs(self, query: Document, order: str, direction: int, limit: int) -> list[Run]:
        with errors_named():
            found = await read(self._runs.collection.find(query).sort(order, direction), limit)
        return [RUNS.read_document(one) for one in found]

    async def _last(self, query: Document, field: str) -> str:
        with errors_named():
            found = await read(self._kept_rows.collection.find(query, {field: 1}).sort(field, -1), 1)
        return found[0][field] if found else ""


async def _put(documents: Documents[S], document_id: str, change: Callable[[S | None], S | None]) -> S | None:
    """Change a state by a rule, or insert the one that the rule makes of nothing."""

    async def rule(state: S) -> tuple[S, Sequence[Message]]:
        after = change(state)
        return (state if after is None else after), ()

    for _ in range(TRIES):
        try:
            return await documents.change(document_id, "document", rule)
        except NotFound:
            made = change(None)
        if made is None or not await documents.insert([(made, ())]):
            return made
    raise Unavailable("too many changes of the same thing at once")


def _about(team: str, kind: Kind, task_id: str) -> str:
    return f"{kind}/{task_id}/{team}"


def _task_keys(task: KnownTask) -> Document:
    return {"_id": task.id}


def _row_keys(row: Row) -> Document:
    return {
        "_id": row.image_id,
        "id": row.image_id,
        "task_id": row.task_id,
        "change": change_of(row),
        "team": row.team,
        "of_team": row.team if row.is_there else None,
        "place": place_of(row) if row.is_there else None,
    }


def _run_keys(run: Run) -> Document:
    return {
        "_id": run.id,
        "id": run.id,
        "about": _about(run.team, run.kind, run.task_id),
        "asked": asked(run),
        "due_at": run.due_at,
        "under_way": None if run.is_over else run.team,
    }
