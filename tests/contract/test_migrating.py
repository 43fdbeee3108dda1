"""`quorate migrate`: before a release, what a start would do to a database, however long it takes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from quorate.commands.migrate import SERVICES
from services.task_manager.store.codec import IMAGES, TASKS
from shared.mongo.connection import MongoDatabase
from shared.mongo.outbox import INDEXES as OUTBOX_INDEXES
from tests.contract.mongo import database
from tests.contract.test_mongo_indexes import SERVICES as MONGO
from tests.servers import need
from tests.unit.task_builders import image, task

QUORATE = str(Path(sys.executable).with_name("quorate"))
WITH_QUOTAS = ("subtask_manager", "task_manager")
UNTOLD = ("id",)
"""nx-27017 does not tell of an index of this field, which it takes for `_id`."""
AWAY = "mongodb://127.0.0.1:1/"


def migrated(service: str, name: str, url: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {
        "HOME": os.environ.get("HOME", "/nonexistent"),
        "QUORATE_MONGO_URL": url or need("MongoDB")["QUORATE_MONGO_URL"],
        "QUORATE_MONGO_DATABASE": name,
    }
    command = [QUORATE, "migrate", service]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def told_of(run: subprocess.CompletedProcess[str]) -> list[tuple[str, str]]:
    """What it says that it has built."""
    lines = [json.loads(line) for line in run.stderr.splitlines()]
    return [(one["collection"], one["index"]) for one in lines if one["event"] == "an index was built"]


async def keys_of(db: MongoDatabase) -> set[tuple]:
    """The fields of every index: nx-27017 has names and orders of its own."""
    names = await db.list_collection_names()
    there = {name: (await db[name].index_information()).values() for name in names}
    keys = {(name, *(field for field, _ in index["key"])) for name, known in there.items() for index in known}
    return {one for one in keys if one[1:] != ("_id",)}


def wanted(service: str) -> set[tuple]:
    """The fields of every index that its stores have."""
    of = MONGO[service].INDEXES | ({"quotas": OUTBOX_INDEXES} if service in WITH_QUOTAS else {})
    return {(name, *one.document["key"]) for name, models in of.items() for one in models}


@pytest.mark.parametrize("service", SERVICES)
async def test_it_builds_every_index_of_the_service_and_no_other(service):
    async with database() as db:
        first = migrated(service, db.name)
        assert first.returncode == 0, first.stderr
        assert await keys_of(db) == {one for one in wanted(service) if one[1:] != UNTOLD}
        assert len(told_of(first)) == len(wanted(service))
        again = migrated(service, db.name)
        assert again.returncode == 0, again.stderr
        assert {index for _, index in told_of(again)} <= {"by_id", "every"}


async def test_it_counts_what_older_releases_have_not_counted():
    of, known = task(), image("a")
    async with database() as db:
        older = {"_id": of.id, **TASKS.document(of), "version": 1, "outbox": {}}
        await db["tasks"].insert_one(older)
        await db["images"].insert_one({"_id": known.id, "task_id": of.id, **IMAGES.document(known), "version": 1})
        assert migrated("task_manager", db.name).returncode == 0
        counted = await db["tasks"].find_one({"_id": of.id})
        assert (counted["team"], counted["stored_images"], counted["stored_bytes"]) == (of.team, 1, known.size_bytes)


def test_without_a_server_it_says_so():
    run = migrated("notifier", "nowhere", f"{AWAY}?connectTimeoutMS=5000")
    assert (run.returncode, "cannot migrate nowhere: the database does not answer" in run.stderr) == (1, True)


def test_without_settings_it_names_them():
    run = subprocess.run([QUORATE, "migrate", "notifier"], env={}, capture_output=True, text=True, check=False)
    assert (run.returncode, "QUORATE_MONGO_URL: Field required" in run.stderr) == (2, True)


def test_a_service_has_no_other_command():
    command = [sys.executable, "-P", "-m", "services.notifier", "migrat"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, "usage:" in run.stderr) == (2, True)
