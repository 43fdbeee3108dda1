"""Indexes: what a name means stays, and a build that takes long keeps no service from its work."""

import asyncio
import json
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import OperationFailure

from services.accounts.store import mongo as accounts
from services.consensus.store import mongo as consensus
from services.notifier.store import mongo as notifier
from services.subtask_manager.store import mongo as subtasks
from services.task_manager.store import mongo as tasks
from shared.errors import Unavailable
from shared.mongo import connection, indexes
from tests.contract.mongo import database
from tests.servers import need

GOLDEN = Path(__file__).parent / "mongo_indexes.json"
SERVICES = {
    "accounts": accounts,
    "consensus": consensus,
    "notifier": notifier,
    "subtask_manager": subtasks,
    "task_manager": tasks,
}
CASES = pytest.mark.parametrize("service", SERVICES)


@pytest.fixture
def preparing(monkeypatch):
    """A service's database whose indexes are built so, and what builds one; nobody waits for long."""

    @asynccontextmanager
    async def opened(create_indexes, patience_s=0.01):
        monkeypatch.setattr(connection, "PATIENCE_S", patience_s)
        monkeypatch.setattr(AsyncCollection, "create_indexes", create_indexes)
        async with database() as db:
            mongo = connection.Mongo(need("MongoDB")["QUORATE_MONGO_URL"], db.name)
            try:
                yield mongo, partial(indexes.build, mongo.database, {"webhooks": notifier.INDEXES["webhooks"][:1]})
            finally:
                await mongo.close()

    return opened


def told(service: str) -> dict[str, dict]:
    """Every index by collection and name."""
    of = SERVICES[service].INDEXES.items()
    documents = {f"{name}.{one.document['name']}": one.document for name, models in of for one in models}
    return json.loads(json.dumps({name: {**one, "key": [*one["key"].items()]} for name, one in documents.items()}))


@CASES
def test_a_name_means_the_same_index_for_ever(service):
    """A server refuses another one under it. Names are added to the file, and what they mean is not changed."""
    known = json.loads(GOLDEN.read_text())[service]
    assert {name: known.get(name) for name in told(service)} == told(service)


async def test_a_build_that_takes_long_goes_on_beside_the_work(preparing):
    real, goes_on, built = AsyncCollection.create_indexes, asyncio.Event(), asyncio.Event()

    async def slow(*arguments, **options):
        await goes_on.wait()
        await real(*arguments, **options)
        built.set()

    async with preparing(slow) as (mongo, build):
        await asyncio.wait_for(mongo.prepare(build), 20)
        assert not built.is_set()
        goes_on.set()
        await asyncio.wait_for(built.wait(), 20)
        await asyncio.gather(*mongo._preparing)


async def test_a_build_ends_with_the_service(preparing):
    begun, ended = asyncio.Event(), asyncio.Event()

    async def endless(*_arguments, **_options):
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with preparing(endless) as (mongo, build):
        await asyncio.wait_for(mongo.prepare(build), 20)
        await asyncio.wait_for(begun.wait(), 20)
        await asyncio.wait_for(mongo.close(), 20)
        assert ended.is_set()


async def test_a_build_that_fails_beside_the_work_is_in_the_log(preparing, caplog):
    goes_on = asyncio.Event()

    async def refused(*_arguments, **_options):
        await goes_on.wait()
        raise OperationFailure("no room for it", 14031)

    async with preparing(refused) as (mongo, build):
        await asyncio.wait_for(mongo.prepare(build), 20)
        goes_on.set()
        await asyncio.gather(*mongo._preparing, return_exceptions=True)
    assert "the next start tries again" in caplog.text


async def test_a_start_says_what_it_could_not_build(preparing):
    async def refused(*_arguments, **_options):
        raise OperationFailure("stepped down", 189)

    async with preparing(refused, patience_s=20) as (mongo, build):
        with pytest.raises(Unavailable):
            await mongo.prepare(build)


async def test_only_what_was_missing_is_told(caplog):
    caplog.set_level("INFO", "shared.mongo.indexes")
    async with database() as db:
        for _ in range(2):
            await indexes.build(db, notifier.INDEXES)
            told_of = [(one.collection, one.index) for one in caplog.records]
            assert len(told_of) == len(set(told_of)) == sum(map(len, notifier.INDEXES.values()))


@pytest.mark.parametrize("code", [85, 86])
async def test_an_index_that_is_another_one_under_its_name_stops_no_start(monkeypatch, code):
    asked = []

    async def refused(_collection, models):
        asked.extend(models)
        raise OperationFailure("an index of this name has other options", code)

    monkeypatch.setattr(AsyncCollection, "create_indexes", refused)
    async with database() as db:
        await indexes.build(db, notifier.INDEXES)
    assert len(asked) == sum(map(len, notifier.INDEXES.values()))


async def test_a_server_that_is_away_is_waited_for(monkeypatch):
    async def refused(_collection, _models):
        raise OperationFailure("stepped down", 189)

    monkeypatch.setattr(AsyncCollection, "create_indexes", refused)
    async with database() as db:
        with pytest.raises(Unavailable):
            await indexes.build(db, notifier.INDEXES)
