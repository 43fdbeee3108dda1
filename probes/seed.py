"""`python -P -m probes.seed`: fill a data folder with a task as its work would have left it. For measurements.

It goes through the stores and the rules, and leaves out what makes a write durable before the next: all of it is one
transaction a file. Images have no objects. The detector is off, and no event is left to deliver.
"""

import argparse
import asyncio
import secrets
import sqlite3
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from embedded import data_dir
from services.subtask_manager import announcements as subtask_announcements
from services.subtask_manager import domain as rules
from services.subtask_manager.store import sqlite as subtask_sqlite
from services.subtask_manager.store.sqlite import schema as subtask_schema
from services.task_manager import announcements as task_announcements
from services.task_manager import domain as task_rules
from services.task_manager.store import sqlite as task_sqlite
from services.task_manager.store.sqlite import schema as task_schema
from shared import events
from shared.events import Message
from shared.sqlite import Database, Work
from shared.teams import FIRST_TEAM
from shared.terms import DetectorPolicy, QuorumPolicy, Terms

T = TypeVar("T")

LABELS = ("cat", "dog", "bird")
BATCH = 5_000
AT_A_TIME = 100
LEASE_S = 300.0


class BulkDatabase(Database):
    """A file whose writes all share one transaction, which `save` ends. For a process that may start over."""

    def open(self) -> None:
        super().open()
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.execute("PRAGMA cache_size=-1000000")
        self._connection.execute("BEGIN IMMEDIATE")

    async def write(self, work: Work[T]) -> T:
        return work(self._connection)

    async def read(self, work: Work[T]) -> T:
        return work(self._connection)

    def save(self) -> None:
        """Make everything durable, in the file proper."""
        self._connection.execute("COMMIT")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class Seed:
    """One task, and its images and subtasks, in the files of a data folder."""

    def __init__(self, root: Path, quorum: QuorumPolicy) -> None:
        self._root = root
        self._tasks_file = BulkDatabase(root / "tasks.sqlite", task_schema.STEPS)
        self._subtasks_file = BulkDatabase(root / "subtasks.sqlite", subtask_schema.STEPS)
        self._tasks = task_sqlite.SqliteTaskStore(
            self._tasks_file,
            time.time,
            announce_task=task_announcements.task_changed,
            announce_image=_delivered,
            announce_change=task_announcements.image_changed,
            announce_removed=task_announcements.image_removed,
        )
        self._subtasks = subtask_sqlite.SqliteSubtaskStore(
            self._subtasks_file, time.time, subtask_announcements.announce
        )
        now = time.time()
        self.task = task_rules.Task(
            id=secrets.token_hex(16),
            owner="client",
            name="seeded",
            terms=Terms(labels=LABELS, quorum=quorum, detector=DetectorPolicy(mode="off")),
            created_at=now,
            body_sha256="",
        )
        self._brief = rules.Brief(
            task_id=self.task.id,
            owner=self.task.owner,
            terms=self.task.terms,
            created_at=now,
        )

    async def open(self) -> None:
        for file in (self._tasks_file, self._subtasks_file):
            file.open()
        await self._tasks.create(self.task)
        (self._root / "objects" / self.task.id).mkdir(parents=True)  # without any folder no platform would start

    async def close(self) -> None:
        """Keep everything; no event is left, since both sides know already."""
        for file in (self._tasks_file, self._subtasks_file):
            await file.write(_forget_events)
            file.save()
            await file.close()

    async def add(self, count: int) -> list[str]:
        """Open subtasks, each with its image; returns their ids."""
        ids: list[str] = []
        while len(ids) < count:
            images = [self._image(number) for number in range(len(ids), min(len(ids) + BATCH, count))]
            await self._tasks.add_images(self.task, images)
            await self._tasks_file.write(_forget_events)
            for image in images:
                await self._subtasks.open(self._brief, lambda now, image=image: self._opened(image, now))
            ids += [image.id for image in images]
        return ids

    async def vote(self, operator: str, count: int) -> None:
        """An operator leases and votes, a hundred at a time, on `count` subtasks."""
        left = count
        while left:
            held = await self._lease(operator, min(AT_A_TIME, left))
            for subtask_id, token in held:
                await self._vote(subtask_id, operator, token)
            left -= len(held)
            await self._deliver()

    def _opened(self, image: task_rules.Image, now: float):
        return rules.open_subtask(
            self._brief,
            now,
            image=rules.Awaiting(subtask_id=image.id, task_id=self.task.id, object_key=image.object_key),
        )

    async def _lease(self, operator: str, count: int) -> list[tuple[str, str]]:
        token = secrets.token_hex(16)

        def grant(subtask: rules.Subtask, brief: rules.Brief, now: float):
            lease = rules.Lease(operator=operator, token=token, expires_at=now + LEASE_S)
            return rules.grant_lease(subtask, brief, lease=lease, now=now)

        claim = await self._subtasks.claim(FIRST_TEAM, operator, task_id=self.task.id, count=count, grant=grant)
        if not claim.held and not claim.is_cut_short:
            raise ValueError(f"{operator} finds no more work")
        return [(subtask.id, token) for subtask, _ in claim.held]

    async def _vote(self, subtask_id: str, operator: str, token: str) -> None:
        label = LABELS[int(subtask_id[:4], 16) % len(LABELS)]

        await self._subtasks.update(subtask_id, partial(rules.cast_vote, voter=operator, label=label, token=token))

    async def _deliver(self) -> None:
        """Bring the results to the task manager's side, as the bus would."""
        while messages := await self._subtasks.pending(BATCH):
            for message in messages:
                await self._record(events.parse(message.body))
            await self._subtasks_file.write(_forget_events)

    async def _record(self, event: events.Event) -> None:
        if not isinstance(event, events.SubtaskCompletedV1):
            raise TypeError(f"{event.type} is not expected here")
        ended = event.data
        rule = partial(
            task_rules.record_result, state=ended.state, result=ended.result, votes=ended.votes, prelabel=None
        )
        await self._tasks.update_image(ended.task_id, ended.subtask_id, rule)

    def _image(self, number: int) -> task_rules.Image:
        sha256 = f"{number:064x}"
        image_id = task_rules.image_id_of(self.task.id, sha256)
        return task_rules.Image(
            id=image_id,
            task_id=self.task.id,
            filename=f"picture-{number:07}.jpg",
            sha256=sha256,
            stored_sha256=sha256,
            object_key=f"{self.task.id}/{image_id}.jpg",
            media_type="image/jpeg",
            size_bytes=65_000,
            width=640,
            height=480,
            created_at=self.task.created_at,
        )


def _delivered(_task: task_rules.Task, image: task_rules.Image) -> list[Message]:
    """A stand-in for `image.ready`: its subtask is opened here."""
    return [Message(id=image.id, type="", subject="", body=b"")]


def _forget_events(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM outbox")


async def fill(root: Path, *, opened: int, voted: Sequence[tuple[str, int]], completed: int) -> str:
    """Seed a task with open subtasks, or else one with completed ones of three votes each; returns its id."""
    exact = QuorumPolicy(votes_required=3 if completed else 100, stop="exact", max_votes=5 if completed else 102)
    seed = Seed(root, exact)
    await seed.open()
    await seed.add(completed or opened)
    votes = [(f"op-{number}", completed) for number in range(3)] if completed else voted
    for operator, count in votes:
        await seed.vote(operator, count)
    await seed.close()
    return seed.task.id


def _operator_and_count(text: str) -> tuple[str, int]:
    operator, _, count = text.rpartition(":")
    return operator, int(count)


def main() -> int:
    """Seed; prints the task's id."""
    parser = argparse.ArgumentParser(prog="probes.seed", description="Fill a data folder, to measure with.")
    parser.add_argument("--data-dir", type=Path, required=True)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--open", type=int, default=0, help="open subtasks, which take 100 votes each")
    what.add_argument("--completed", type=int, default=0, help="completed subtasks with three votes each")
    parser.add_argument(
        "--voted", type=_operator_and_count, action="append", default=[], metavar="OPERATOR:COUNT",
        help="an operator who has voted on so many of the open ones",
    )  # fmt: skip
    options = parser.parse_args()
    with data_dir.lock(options.data_dir):
        task_id = asyncio.run(
            fill(options.data_dir, opened=options.open, voted=options.voted, completed=options.completed)
        )
    print(task_id)
    return 0


if __name__ == "__main__":
    sys.exit(main())
