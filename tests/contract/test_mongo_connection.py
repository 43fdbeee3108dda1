"""Connections to MongoDB: what a URL may say, and whether the server answers while all of them are busy."""

import asyncio
import time
from functools import partial

import httpx
import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from services.subtask_manager.settings import SubtaskManagerSettings
from shared.errors import Unavailable
from shared.http.operations import operations_router
from shared.mongo import connection
from shared.mongo.connection import Mongo
from shared.mongo.faults import errors_named
from shared.settings.mongo_url import checked
from shared.telemetry.metrics import Metrics
from tests.contract.rabbitmq import Proxy
from tests.servers import need

COMMANDS = 40
HELD = b"held back"


class HoldingProxy(Proxy):
    """Holds back every request that says so, until it is told to go on."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.held = self.opened = 0
        self.goes_on = asyncio.Event()

    async def _connected(self, reader, writer) -> None:
        self.opened += 1
        await super()._connected(reader, writer)

    async def _pump(self, source, target) -> None:
        await super()._pump(_Holding(self, source), target)


class _Holding:
    def __init__(self, proxy: HoldingProxy, source: asyncio.StreamReader) -> None:
        self._proxy, self._source = proxy, source

    async def read(self, count: int) -> bytes:
        data = await self._source.read(count)
        if HELD in data:
            self._proxy.held += 1
            await self._proxy.goes_on.wait()
        return data


async def test_a_service_is_ready_while_all_its_connections_are_busy():
    """With more commands under way than there are connections. The pool's own ping would wait behind them."""
    proxy = HoldingProxy(need("MongoDB")["QUORATE_MONGO_URL"])
    mongo = Mongo(await proxy.start(), "test_busy")
    app = FastAPI()
    needs = {"MongoDB": mongo.is_ready}
    metrics = Metrics()
    app.include_router(operations_router(metrics, None, needs=needs, uses={}, is_for_this_machine=False))
    await mongo.prepare(partial(asyncio.sleep, 0))
    busy = [asyncio.create_task(mongo.database["held back"].find_one({"_id": number})) for number in range(COMMANDS)]
    async with (
        asyncio.timeout(60),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x") as http,
    ):
        while proxy.held < connection.CONNECTIONS:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
        opened, taken_ms = proxy.opened, list[float]()
        for _ in range(3):
            began = time.perf_counter()
            answer = await http.get("/readyz")
            taken_ms.append(round(1000 * (time.perf_counter() - began), 1))
            assert answer.status_code == 200
        print(f"/readyz answered 200 after {taken_ms} ms with {COMMANDS} commands under way")  # noqa: T201
        assert proxy.opened == opened, "the looks open none: the start has"
        assert not any(task.done() for task in busy)
        proxy.goes_on.set()
        assert await asyncio.gather(*busy) == [None] * COMMANDS
    await mongo.close()
    await proxy.close()


async def test_a_command_gives_up_in_time_whatever_it_waits_for(monkeypatch):
    monkeypatch.setattr(connection, "CLIENT_OPTIONS", {**connection.CLIENT_OPTIONS, "timeoutMS": 300})
    proxy = HoldingProxy(need("MongoDB")["QUORATE_MONGO_URL"])
    mongo = Mongo(await proxy.start(), "test_late", connections=1)
    async with asyncio.timeout(60):
        for _ in range(2):
            with pytest.raises(Unavailable), errors_named():
                await mongo.database["held back"].find_one({})
    proxy.goes_on.set()
    await mongo.close()
    await proxy.close()


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("maxPoolSize=50", "QUORATE_MONGO_CONNECTIONS"),
        ("w=1", "majority"),
        ("readPreference=nearest", "primary"),
        ("readConcernLevel=local", "majority"),
        ("socketTimeoutMS=1000", "20 s in all"),
        ("serverSelectionTimeoutMS=1000", "15000"),
        ("MAXPOOLSIZE=50", "QUORATE_MONGO_CONNECTIONS"),
    ],
)
def test_what_a_url_cannot_decide_is_refused_where_it_would_be_overridden(option, said, monkeypatch):
    monkeypatch.setenv("QUORATE_MONGO_URL", f"mongodb://somebody:secret@host/?replicaSet=rs0&{option}")
    with pytest.raises(ValidationError, match=r"take .* out of the URL") as refused:
        SubtaskManagerSettings()
    [message] = [one["msg"] for one in refused.value.errors() if one["loc"] == ("mongo_url",)]
    assert said in message
    assert "secret" not in message


def test_a_url_may_say_the_same_and_what_is_its_own():
    for option in ("w=majority", "replicaSet=rs0&compressors=zstd,zlib", "retryWrites=false", "tls=true", ""):
        assert checked(f"mongodb://host/?{option}") == f"mongodb://host/?{option}"


def test_how_many_connections_there_are_is_a_setting():
    one = Mongo("mongodb://127.0.0.1:1/", "x", connections=7)
    assert one.database.client.options.pool_options.max_pool_size == 7
