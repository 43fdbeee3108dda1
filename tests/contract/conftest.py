"""Each suite runs over every adapter of its port: a further adapter joins the suites by a line here."""

import pytest_asyncio

from tests.contract import adapters, mongo, rabbitmq, s3
from tests.contract.replicas import opened_replicas

SUBTASK_STORES = {"sqlite": adapters.sqlite_subtasks, "mongo": mongo.mongo_subtasks}
PREFERENCES = {"sqlite": adapters.sqlite_preferences, "mongo": mongo.mongo_preferences}
QUOTAS = {"sqlite": adapters.sqlite_quotas, "mongo": mongo.mongo_quotas}
TASK_STORES = {"sqlite": adapters.sqlite_tasks, "mongo": mongo.mongo_tasks}
ERASURES = {"sqlite": adapters.sqlite_erasures, "mongo": mongo.mongo_erasures}
ACCOUNT_STORES = {"sqlite": adapters.sqlite_accounts, "mongo": mongo.mongo_accounts}
WEBHOOK_STORES = {"sqlite": adapters.sqlite_webhooks, "mongo": mongo.mongo_webhooks}
BUSES = {"sqlite": adapters.sqlite_buses, "rabbitmq": rabbitmq.rabbit_buses}
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


@pytest_asyncio.fixture
async def replicas():
    async with opened_replicas() as opened:
        yield opened
