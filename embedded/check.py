"""Whether a data folder, or a backup, agrees with itself: counts with what they count, images with their objects, and
the task manager's images with the subtask manager's subtasks."""

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path

from embedded import data_dir
from services.accounts.store.sqlite import schema as account_schema
from services.consensus.store.sqlite import schema as consensus_schema
from services.notifier.store.sqlite import schema as notifier_schema
from services.subtask_manager.store.sqlite import schema as subtask_schema
from services.task_manager.store.codec import IMAGES
from services.task_manager.store.sqlite import schema as task_schema
from shared.bus import sqlite as bus
from shared.errors import QuorateError
from shared.objects.keys import original_of
from shared.sqlite.migrations import Step

STEPS: Mapping[str, Sequence[Step]] = {
    "tasks": task_schema.STEPS,
    "subtasks": subtask_schema.STEPS,
    "accounts": account_schema.STEPS,
    "webhooks": notifier_schema.STEPS,
    "consensus": consensus_schema.STEPS,
    "bus": bus.STEPS,
}
NEEDED = ("tasks", "subtasks", "bus")
READ_AT_ONCE = 1_000_000


class NotChecked(QuorateError):
    """The folder cannot be checked like this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that does not agree. mending: the statement that puts it right, with its values, in which database."""

    text: str
    mending: tuple[str, str, tuple[int | str, ...]] | None = None


def check(folder: Path, *, reads_objects: bool = False) -> list[Finding]:
    """What does not agree in a folder in which no platform works. `reads_objects`: hash every picture, too.

    Raises DataDirInUse and NotChecked.
    """
    if missing := [name for name in NEEDED if not (folder / f"{name}.sqlite").is_file()]:
        raise NotChecked(f"{folder} is no data folder of Quorate: it has no {missing[0]}.sqlite")
    with data_dir.lock(folder) if (folder / "lock").exists() else nullcontext():
        return list(_findings(folder, reads_objects=reads_objects))


def mend(folder: Path, findings: Sequence[Finding]) -> int:
    """Put right what is a count; returns how many were. Raises DataDirInUse."""
    simple = [one.mending for one in findings if one.mending is not None]
    with data_dir.lock(folder) if (folder / "lock").exists() else nullcontext():
        for name, statement, values in simple:
            with closing(sqlite3.connect(folder / f"{name}.sqlite")) as db, db:
                db.execute(statement, values)
    return len(simple)


def _findings(folder: Path, *, reads_objects: bool) -> Iterator[Finding]:
    damaged = list(_damages(folder))
    yield from damaged
    if damaged:
        return
    with closing(sqlite3.connect(folder / "tasks.sqlite")) as db:
        db.execute("ATTACH ? AS work", (str(folder / "subtasks.sqlite"),))
        db.execute("ATTACH ? AS bus", (str(folder / "bus.sqlite"),))
        _note_what_is_on_its_way(db)
        db.execute("PRAGMA query_only=1")
        yield from _task_counts(db)
        yield from _open_counts(db)
        yield from _objects(db, folder, reads_objects=reads_objects)
        yield from _on_both_sides(db)


def _damages(folder: Path) -> Iterator[Finding]:
    for name, steps in STEPS.items():
        path = folder / f"{name}.sqlite"
        if not path.exists():
            continue
        try:
            with closing(sqlite3.connect(path)) as db:
                schema = db.execute("PRAGMA user_version").fetchone()[0]
                told = [row[0] for row in db.execute("PRAGMA integrity_check(5)")]
        except sqlite3.OperationalError as error:
            raise NotChecked(f"{path} cannot be checked: {error}") from error
        except sqlite3.Error as error:
            told, schema = [str(error)], len(steps)
        if told != ["ok"]:
            yield Finding(text=f"{path.name} is damaged ({told[0]}): restore the last backup")
        elif schema != len(steps):
            raise NotChecked(
                f"{path.name} has schema {schema}, this release works with {len(steps)}: check it with the release that"
                " wrote it, or start the platform once so that it is upgraded"
            )


def _task_counts(db: sqlite3.Connection) -> Iterator[Finding]:
    query = """SELECT t.id, t.images, t.completed, t.disputed, count(i.id),
                      coalesce(sum(i.state = 'completed'), 0), coalesce(sum(i.state = 'disputed'), 0)
               FROM tasks t LEFT JOIN images i ON i.task_id = t.id WHERE t.state != 'cancelled' GROUP BY t.id"""
    for task_id, *counts in db.execute(query):
        kept, real = tuple(counts[:3]), tuple(counts[3:])
        if kept != real:
            update = "UPDATE tasks SET images = ?, completed = ?, disputed = ? WHERE id = ?"
            yield Finding(
                text=f"task {task_id} counts {kept} images, completed and disputed, and has {real}",
                mending=("tasks", update, (*real, task_id)),
            )


def _open_counts(db: sqlite3.Connection) -> Iterator[Finding]:
    query = """SELECT task_id, open, (SELECT count(*) FROM work.subtasks s WHERE s.task_id = b.task_id
                                      AND s.state = 'open') AS real
               FROM work.briefs b WHERE NOT is_cancelled AND open != real"""
    for task_id, kept, real in db.execute(query):
        yield Finding(
            text=f"task {task_id} counts {kept} open subtasks, and has {real}",
            mending=("subtasks", "UPDATE briefs SET open = ? WHERE task_id = ?", (real, task_id)),
        )


def _objects(db: sqlite3.Connection, folder: Path, *, reads_objects: bool) -> Iterator[Finding]:
    """Images without their objects. Objects without an image are no finding: the collector removes them. What a
    cancelled task has goes in steps, pictures first."""
    query = """SELECT i.task_id, i.body FROM images i JOIN tasks t ON t.id = i.task_id WHERE t.state != 'cancelled'"""
    for task_id, body in db.execute(query):
        image = IMAGES.read_text(body)
        path = folder / "objects" / original_of(image.object_key)
        if not path.is_file():
            yield Finding(text=f"image {image.id} of task {task_id} has lost its picture, {image.object_key}")
        elif reads_objects and _sha256(path) != image.stored_sha256:
            yield Finding(text=f"image {image.id} of task {task_id} has another picture than was stored")


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(READ_AT_ONCE):
            found.update(part)
    return found.hexdigest()


def _on_both_sides(db: sqlite3.Connection) -> Iterator[Finding]:
    """Images that one service has and the other lacks, though no event is on its way that brings it."""
    query = """SELECT i.task_id, i.id, i.state, s.state FROM images i JOIN tasks t ON t.id = i.task_id
               LEFT JOIN work.subtasks s ON s.id = i.id
               WHERE t.state != 'cancelled' AND i.state IS NOT s.state"""
    for task_id, image_id, here, there in db.execute(query):
        if here != "open" and there in (None, "open", "removed"):
            yield Finding(text=f"image {image_id} of task {task_id} is {here}, and its subtask {there or 'missing'}")
        elif not _is_on_its_way(db, image_id, is_result=there is not None):
            said = "has no subtask" if there is None else f"is {there} for operators, and {here} in its task"
            yield Finding(text=f"image {image_id} of task {task_id} {said}, and no event is on its way")


def _note_what_is_on_its_way(db: sqlite3.Connection) -> None:
    """Once for all images, as no event can be found by what it tells of."""
    db.execute("CREATE TEMP TABLE coming (id TEXT, is_result INTEGER, PRIMARY KEY (id, is_result)) WITHOUT ROWID")
    for is_result, outbox, kinds in ((False, "main.outbox", "image.%"), (True, "work.outbox", "subtask.%")):
        for place in (outbox, "bus.messages", "bus.dead"):
            note = f"INSERT OR IGNORE INTO coming SELECT subject, ? FROM {place} WHERE type LIKE ?"  # noqa: S608 - ours
            db.execute(note, (is_result, kinds))
    db.execute("INSERT OR IGNORE INTO coming SELECT subtask_id, 0 FROM work.awaiting")
    db.commit()


def _is_on_its_way(db: sqlite3.Connection, image_id: str, *, is_result: bool) -> bool:
    query = "SELECT 1 FROM coming WHERE id = ? AND is_result = ?"
    return db.execute(query, (image_id, is_result)).fetchone() is not None
