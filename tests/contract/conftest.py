"""Each suite runs over every adapter of its port: a further adapter joins the suites by a line here.

MongoDB's adapters run on the partial server, and on a replica set (`make test-replica`; `make test` has some of it).
"""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import pytest_asyncio

from services.subtask_manager.store.mongo import briefs
from tests.contract import adapters, mongo, rabbitmq, s3
from tests.contract.buses import sqlite_buses
from tests.contract.replicas import opened_replicas

REPLICA_SET = "replica_set"
IS_WHOLE = os.environ.get("QUORATE_REPLICA_SET") == "1"
ALWAYS = frozenset(
    {
        "test_consensus_store.py",
        "test_erasures.py",
        "test_import_store.py",
        "test_outbox.py",
        "test_preferences.py",
        "test_quotas.py",
        "test_subtask_endings.py",
        "test_task_images.py",
        "test_webhook_store.py",
    }
)
"""Suites that run on the replica set with all others; each takes seconds there."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what runs on the replica set alone where it was not asked for."""
    left_out = [item for item in items if _is_on_replica_set(item) and item.path.name not in ALWAYS]
    if left_out and not IS_WHOLE:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _is_on_replica_set(item: pytest.Item) -> bool:
    return item.name.endswith("]") and REPLICA_SET in item.name[item.name.index("[") :]


def on_mongo(opened: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """An adapter on each server that speaks MongoDB's protocol."""
    return {"mongo": opened, REPLICA_SET: partial(opened, server=mongo.on_replica_set)}


SUBTASK_STORES = {"sqlite": adapters.sqlite_subtasks, **on_mongo(mongo.mongo_subtasks)}
PREFERENCES = {"sqlite": adapters.sqlite_preferences, **on_mongo(mongo.mongo_preferences)}
QUOTAS = {"sqlite": adapters.sqlite_quotas, **on_mongo(mongo.mongo_quotas)}
TASK_STORES = {"sqlite": adapters.sqlite_tasks, **on_mongo(mongo.mongo_tasks)}
ERASURES = {"sqlite": adapters.sqlite_erasures, **on_mongo(mongo.mongo_erasures)}
ACCOUNT_STORES = {"sqlite": adapters.sqlite_accounts, **on_mongo(mongo.mongo_accounts)}
WEBHOOK_STORES = {"sqlite": adapters.sqlite_webhooks, **on_mongo(mongo.mongo_webhooks)}
CONSENSUS_STORES = {"sqlite": adapters.sqlite_consensus, **on_mongo(mongo.mongo_consensus)}
IMPORT_STORES = {"sqlite": adapters.sqlite_imports, **on_mongo(mongo.mongo_imports)}
BUSES = {"sqlite": sqlite_buses, "rabbitmq": rabbitmq.rabbit_buses}
OBJECT_STORES = {"filesystem": adapters.filesystem_objects, "s3": s3.s3_objects}


@pytest_asyncio.fixture(params=SUBTASK_STORES)
async def subtasks(request, tmp_path):
    async with SUBTASK_STORES[request.param](tmp_path) as stored:
        yield stored


@pytest_asyncio.fixture(params=PREFERENCES)
async def preferences(request, tmp_path):
    async with PREFERENCES[request.param](tmp_path) as stored:
        yield stored


@pytest_asyncio.fixture(params=QUOTAS)
async def quotas(request, tmp_path):
    async with QUOTAS[request.param](tmp_path) as store:
        yield store


@pytest_asyncio.fixture(params=TASK_STORES)
async def tasks(request, tmp_path):
    async with TASK_STORES[request.param](tmp_path) as stored:
        yield stored


@pytest_asyncio.fixture(params=ERASURES)
async def erasures(request, tmp_path):
    async with ERASURES[request.param](tmp_path) as stored:
        yield stored


@pytest_asyncio.fixture(params=ACCOUNT_STORES)
async def accounts(request, tmp_path):
    async with ACCOUNT_STORES[request.param](tmp_path) as stored:
        yield stored


@pytest_asyncio.fixture(params=WEBHOOK_STORES)
async def webhooks(request, tmp_path):
    async with WEBHOOK_STORES[request.param](tmp_path) as stored:
        yield stored


@pytest_asyncio.fixture(params=CONSENSUS_STORES)
async def consensus(request, tmp_path):
    async with CONSENSUS_STORES[request.param](tmp_path) as stored:
        yield stored


@pytest_asyncio.fixture(params=IMPORT_STORES)
async def imports(request, tmp_path):
    async with IMPORT_STORES[request.param](tmp_path) as stored:
        yield stored


@pytest_asyncio.fixture(params=BUSES)
async def buses(request, tmp_path):
    async with BUSES[request.param](tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture(params=OBJECT_STORES)
async def stored_objects(request, tmp_path):
    async with OBJECT_STORES[request.param](tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture
async def rabbit(tmp_path):
    async with rabbitmq.rabbit_buses(tmp_path) as opened:
        yield opened


@pytest.fixture
def briefs_stay_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where commands are counted: on a busy machine what a test prepares takes longer than the second for which a brief
    is known."""
    monkeypatch.setattr(briefs, "FRESH_S", 3600.0)


@pytest_asyncio.fixture(params=on_mongo(opened_replicas))
async def replicas(request):
    async with on_mongo(opened_replicas)[request.param]() as opened:
        yield opened
