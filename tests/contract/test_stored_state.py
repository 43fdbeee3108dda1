"""What earlier releases stored opens for ever, and two versions work on the same documents side by side."""

import asyncio
import contextlib
import json
import os
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from bson import json_util

from loadtest.platform_process import PlatformProcess
from services.subtask_manager import announcements, domain
from services.subtask_manager.shapes import subtask_shown
from services.subtask_manager.store.codec import SUBTASKS
from services.subtask_manager.store.mongo import MongoSubtaskStore
from services.subtask_manager.subtask import Subtask
from services.task_manager import announcements as task_announcements
from services.task_manager.domain import Image, Task
from services.task_manager.listing import Listing
from services.task_manager.order import BACKWARDS, key_of
from services.task_manager.shapes import image_shown, task_shown
from services.task_manager.store.codec import IMAGES, TASKS
from services.task_manager.store.mongo import MongoTaskStore
from services.task_manager.store.sqlite.schema import STEPS
from shared.codec import Codec, NewerSchema
from shared.sqlite import Database
from shared.sqlite.migrations import NewerFile, statements
from shared.teams import FIRST_TEAM
from tests.contract.mongo import database, on_replica_set, partial_server
from tests.contract.operators import granting, open_all, vote
from tests.stored.fill import Filler
from tests.unit.step_builders import piped, uploaded
from tests.unit.subtask_builders import brief
from tests.unit.task_builders import image, task

STORED = Path(__file__).parents[1] / "stored"
SCHEMAS = sorted(one.name for one in STORED.glob("schema-*"))
SIDE_BY_SIDE_S = float(os.environ.get("QUORATE_SIDE_BY_SIDE_S", "3"))


def expected(schema: str, profile: str) -> dict[str, Any]:
    return json.loads((STORED / schema / f"{profile}-expected.json").read_text())


def covers(shown: Any, known: Any) -> bool:
    """Whether an answer says all that was said before; it may say more."""
    if isinstance(known, dict):
        return all(name in shown and covers(shown[name], value) for name, value in known.items())
    if isinstance(known, list):
        return len(shown) == len(known) and all(map(covers, shown, known))
    return shown == known


def as_json(value: Any) -> Any:
    return json.loads(json.dumps(value, default=lambda one: {name: getattr(one, name) for name in one.__slots__}))


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_folder_of_an_earlier_release_opens_and_work_goes_on(schema, tmp_path):
    shutil.copytree(STORED / schema / "embedded", tmp_path / "data")
    known = expected(schema, "embedded")
    with PlatformProcess(tmp_path) as platform, contextlib.closing(Filler(platform.url, platform.url)) as people:
        seen = people.seen(list(known))
        for task_id, said in known.items():
            for part in ("task", "results", "subtasks"):
                assert covers(seen[task_id][part], said[part]), (said["task"]["name"], part)
            lines = [json.loads(line) for line in said["export"]]
            assert covers([json.loads(line) for line in seen[task_id]["export"]], lines)
        [half_done] = [task_id for task_id, said in known.items() if said["task"]["name"] == "half done"]
        for who in ("bob", "eve", "dan", "fay"):
            people.vote_all(half_done, who, "a.b")
        people.seal(half_done, until="completed")
        votes = {one["image_id"]: sum(one["votes"].values()) for one in people.seen([half_done])[half_done]["results"]}
        assert set(votes.values()) == {3}, "the votes of before count among them"
    with closing(sqlite3.connect(tmp_path / "data" / "tasks.sqlite")) as file, file:
        assert file.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
        unordered = "SELECT count(*) FROM images WHERE upload_key IS NULL OR name_key IS NULL"
        assert file.execute(unordered).fetchone() == (0,)
        unlisted = "SELECT count(*) FROM tasks WHERE owner IS NULL OR age_key IS NULL OR name_key IS NULL"
        assert file.execute(unlisted).fetchone() == (0,)
        ended = file.execute("SELECT agreement_key, body FROM images WHERE state != 'open'").fetchall()
        assert len(ended) > 3
        assert all(key == key_of(IMAGES.read_text(body), "uncertain") != "" for key, body in ended)


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_a_database_of_an_earlier_release_opens_and_work_goes_on(schema):
    stored = json_util.loads((STORED / schema / "mongo.json").read_text())
    known = expected(schema, "mongo")
    async with database() as tasks_db, database() as subtasks_db:
        for db, service in ((tasks_db, "tasks"), (subtasks_db, "subtasks")):
            for name, documents in stored[service].items():
                if documents:
                    await db[name].insert_many(documents)
        tasks = MongoTaskStore(
            tasks_db,
            time.time,
            announce_task=task_announcements.task_changed,
            announce_image=task_announcements.image_added,
            announce_change=task_announcements.image_changed,
            announce_removed=task_announcements.image_removed,
        )
        subtasks = MongoSubtaskStore(subtasks_db, time.time, announcements.announce)
        await asyncio.gather(tasks.prepare(), subtasks.prepare())
        assert {
            one.id for one, _, _ in await tasks.tasks(Listing(team=FIRST_TEAM), after="", limit=100)
        } >= known.keys()
        for task_id, said in known.items():
            assert covers(as_json(task_shown(*await tasks.find(task_id))), said["task"])
            images = await tasks.images(task_id, state=None, label=None, after="", limit=100)
            assert covers(as_json([image_shown(one) for one in images]), said["results"])
            for by in ("upload", "name", "newest", "uncertain", "confident"):
                ordered = await tasks.images(task_id, state=None, label=None, after="", limit=100, by=by)
                placed = [one for one in images if key_of(one, by)]
                assert ordered == sorted(placed, key=lambda one: key_of(one, by), reverse=by in BACKWARDS)
            for one in said["subtasks"]:
                subtask, of = await subtasks.find(one["id"])
                shown = as_json(subtask_shown(Unlinked(), subtask, of, time.time()))
                assert covers(shown, one)
        [half_done] = [task_id for task_id, said in known.items() if said["task"]["name"] == "half done"]
        claim = await subtasks.claim(FIRST_TEAM, "new", task_id=half_done, count=5, grant=granting("new", "token"))
        await subtasks.settle()
        for subtask, _ in claim.held:
            await vote(subtasks, "new", subtask.id, "a.b", "token")
            document = await subtasks_db["subtasks"].find_one({"_id": subtask.id})
            assert document["body"]["votes"][-1]["voter"] == "new", "the state is readable in any tool"
            assert document["schema"] == SUBTASKS.schema
        assert claim.held


class Unlinked:
    """Resources of an answer whose image's URL does not matter."""

    objects = type("Objects", (), {"url": staticmethod(lambda *_args, **_named: "")})
    clock = staticmethod(time.time)


# Two versions side by side


@dataclass(frozen=True, slots=True, kw_only=True)
class NewerSubtask(Subtask):
    """As a later version may have it."""

    mood: str = "fresh"


SERVERS = {"mongo": partial_server, "replica_set": on_replica_set}


@pytest.mark.parametrize("server", SERVERS)
async def test_two_versions_work_on_the_same_subtasks_and_no_vote_is_lost(server):
    of = brief(labels=("cat", "dog"), votes_required=3, stop="exact")
    async with database(server=SERVERS[server]) as db:
        older, newer = (MongoSubtaskStore(db, time.time, announcements.announce) for _ in range(2))
        newer._subtasks._codec = Codec(NewerSubtask, SUBTASKS._upgrades)
        await older.prepare()
        ids = [f"{number:032x}" for number in range(60)]
        await open_all(newer, of, ids[::2])
        await open_all(older, of, ids[1::2])
        acknowledged: set[tuple[str, str]] = set()
        end = time.monotonic() + SIDE_BY_SIDE_S

        async def work(operator: str) -> None:
            at_hand = (newer, older) if operator < "f" else (older, newer)
            while time.monotonic() < end or len(acknowledged) < 3 * len(ids):
                claim = await at_hand[0].claim(
                    FIRST_TEAM, operator, task_id=None, count=4, grant=granting(operator, operator)
                )
                for subtask, _ in claim.held:
                    await vote(at_hand[1], operator, subtask.id, "cat", operator)
                    acknowledged.add((subtask.id, operator))
                at_hand = at_hand[::-1]
                if not claim.held:
                    await asyncio.sleep(0.05)

        await asyncio.wait_for(asyncio.gather(*(work(operator) for operator in "abcdefgh")), SIDE_BY_SIDE_S + 60)
        await asyncio.gather(older.settle(), newer.settle())
        kept = {(i, one.voter) for i in ids for one in (await older.find(i))[0].votes}
        assert kept == acknowledged
        assert len(kept) == 3 * len(ids)
        assert {(await newer.find(i))[0].state for i in ids} == {"completed"}


async def test_what_this_version_does_not_know_of_a_document_is_left_alone():
    of = brief()
    async with database() as db:
        store = MongoSubtaskStore(db, time.time, announcements.announce)
        await store.prepare()
        [subtask_id] = ids = ["5b" * 16]
        await open_all(store, of, ids)
        newer = {"$set": {"from_a_newer_version": 1, "body.mood": "fresh"}}
        await db["subtasks"].update_one({"_id": subtask_id}, newer)
        rule = partial(domain.apply_prelabel, prelabel=domain.Prelabel(model="detector:m@1"))
        await store.update(subtask_id, rule)
        assert (await db["subtasks"].find_one({"_id": subtask_id}))["from_a_newer_version"] == 1


async def test_a_document_in_a_schema_of_the_future_waits_for_the_upgrade():
    of = brief()
    async with database() as db:
        store = MongoSubtaskStore(db, time.time, announcements.announce)
        await store.prepare()
        await open_all(store, of, ["5b" * 16])
        await db["subtasks"].update_one({}, {"$set": {"schema": SUBTASKS.schema + 1}})
        with pytest.raises(NewerSchema, match="upgrade"):
            await store.find("5b" * 16)


@pytest.mark.parametrize(
    ("plain", "guarded", "codec", "before"),
    [
        (task(), piped("split"), TASKS, Codec(Task, TASKS._upgrades[:-1])),
        (image("dog"), uploaded("dog", piped("split")), IMAGES, Codec(Image, IMAGES._upgrades[:-1])),
    ],
)
def test_a_replica_from_before_pipelines_reads_all_but_what_it_would_lose(plain, guarded, codec, before):
    assert before.read_document(codec.document(plain)) == plain
    with pytest.raises(NewerSchema):
        before.read_document(codec.document(guarded))
    assert [codec.read_document(codec.document(one)) for one in (plain, guarded)] == [plain, guarded]


# Steps


def test_a_file_of_a_newer_version_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "tasks.sqlite"
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("PRAGMA user_version = 7")
    with pytest.raises(NewerFile, match=r"tasks\.sqlite was written by a newer version"):
        Database(path, [statements("CREATE TABLE a (b);")]).open()


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path):
    first = statements("CREATE TABLE a (b); -- the first\nINSERT INTO a VALUES (1);\nCREATE INDEX c ON a (b);\n")
    broken = statements("INSERT INTO a VALUES (2);\nINSERT INTO nowhere VALUES (3);\n")
    path = tmp_path / "a.sqlite"
    with pytest.raises(sqlite3.OperationalError):
        Database(path, [first, broken]).open()
    with closing(sqlite3.connect(path)) as file, file:
        assert file.execute("SELECT b FROM a").fetchall() == [(1,)]
        assert file.execute("PRAGMA user_version").fetchone() == (1,)
