"""Each suite runs over every adapter of its port."""

import pytest_asyncio

from tests.contract import adapters


@pytest_asyncio.fixture(params=adapters.SUBTASK_STORES)
async def subtasks(request, tmp_path):
    async with adapters.SUBTASK_STORES[request.param](tmp_path) as stored:
        yield stored


@pytest_asyncio.fixture(params=adapters.TASK_STORES)
async def tasks(request, tmp_path):
    async with adapters.TASK_STORES[request.param](tmp_path) as stored:
        yield stored


@pytest_asyncio.fixture(params=adapters.BUSES)
async def buses(request, tmp_path):
    async with adapters.BUSES[request.param](tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture(params=adapters.OBJECT_STORES)
async def stored_objects(request, tmp_path):
    async with adapters.OBJECT_STORES[request.param](tmp_path) as opened:
        yield opened
