"""Indexes: what a name means stays, and a build that takes long keeps no service from its work."""

import asyncio
import json
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
from shared.mongo import indexes
from tests.contract.mongo import database

GOLDEN = Path(__file__).parent / "mongo_indexes.json"
SERVICES = {
    "accounts": accounts,
    "consensus": consensus,
    "notifier": notifier,
    "subtask_manager": subtasks,
    "task_manager": tasks,
}
CASES = pytest.mark.parametrize("service", SERVICES)


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


async def test_a_build_that_takes_long_goes_on_beside_the_work(monkeypatch):
    monkeypatch.setattr(indexes, "PATIENCE_S", 0.01)
    real, goes_on, built = AsyncCollection.create_indexes, asyncio.Event(), asyncio.Event()

    async def slow(*arguments, **options):
        await goes_on.wait()
        await real(*arguments, **options)
        built.set()

    monkeypatch.setattr(AsyncCollection, "create_indexes", slow)
    async with database() as db:
        await asyncio.wait_for(indexes.build(db, {"webhooks": notifier.INDEXES["webhooks"]}), 20)
        assert not built.is_set()
        goes_on.set()
        await asyncio.wait_for(built.wait(), 20)
        await asyncio.gather(*indexes._building)


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
