"""What an operator is told of each outage, and when: `/readyz` as measured here, alerts by their rules.

The table is written to `build/outages.md`.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from shared.bus.rabbitmq.connection import ASK_S
from shared.http.operations import Check, operations_router
from shared.mongo.connection import PING_S, Mongo
from shared.objects.s3 import READY_S
from shared.probing import HOLDS_S
from shared.settings import MONGODB, RABBITMQ, S3
from shared.telemetry.metrics import Metrics
from tests.contract.rabbitmq import Proxy, broker
from tests.contract.s3 import own_bucket, store
from tests.servers import need
from tests.service.running import running
from tests.small_disk import fill, mounted
from tests.unit.alert_rules import ROOT, RULES, Rule

SCRAPE_S = 15.0
"""Between two scrapes, and between two looks at the rules: as in deploy/."""
BOUND_S = HOLDS_S + max(ASK_S, PING_S, READY_S) + 3
TABLE = ROOT / "build/outages.md"
HEAD = """| outage | `/readyz` says | after, in seconds | alert | after, in seconds at the most |
| --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True, slots=True)
class Row:
    """An outage, what was answered and when, and the rule that catches it."""

    outage: str
    answer: str
    after_s: float
    rule: Rule

    def __str__(self) -> str:
        told_s = self.after_s + 2 * SCRAPE_S + seconds(self.rule.says["for"])
        severity = self.rule.says["labels"]["severity"]
        return f"| {self.outage} | {self.answer} | {self.after_s:.1f} | {self.rule.name} ({severity}) | {told_s:.0f} |"


def seconds(duration: str) -> float:
    return float(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]


def rule_for(dependency: str) -> Rule:
    """The one rule that goes by whether this answers."""
    return next(rule for rule in RULES if _looks_at(rule.says["expr"], dependency))


def _looks_at(expression: str, dependency: str) -> bool:
    found = re.search(r'quorate_dependency_up\{[^}]*dependency(=~|!~|=)"([^"]*)"', expression)
    return bool(found) and bool(re.fullmatch(found[2], dependency)) == (found[1] != "!~")


@pytest.fixture(scope="module")
def rows():
    kept: list[Row] = []
    yield kept
    if kept:
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(HEAD + "".join(f"{row}\n" for row in kept))


async def until_told(client: httpx.AsyncClient, name: str) -> tuple[str, float]:
    """What `/readyz` says once it names this, and after how long."""
    began = time.monotonic()
    async with asyncio.timeout(BOUND_S):
        while name not in (answer := await client.get("/readyz")).text:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.1)
    said = answer.text.replace('"', "")
    return f"{answer.status_code} {said}", time.monotonic() - began


async def until_ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(BOUND_S):
        while (await client.get("/readyz")).json() != {"status": "ok"}:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.1)


@asynccontextmanager
async def mongodb(stack: AsyncExitStack) -> AsyncIterator[tuple[Proxy, Check]]:
    proxy = Proxy(need(MONGODB)["QUORATE_MONGO_URL"])
    mongo = Mongo(await proxy.start(), "test_outages")
    stack.push_async_callback(mongo.close)
    yield proxy, mongo.is_ready


@asynccontextmanager
async def rabbitmq(stack: AsyncExitStack) -> AsyncIterator[tuple[Proxy, Check]]:
    at = await stack.enter_async_context(broker())
    proxy = Proxy(at.url)
    bus = at.bus(await proxy.start())
    await bus.open()
    stack.push_async_callback(bus.close)
    yield proxy, bus.is_ready


@asynccontextmanager
async def s3(stack: AsyncExitStack) -> AsyncIterator[tuple[Proxy, Check]]:
    bucket, _ = stack.enter_context(own_bucket())
    proxy = Proxy(need("S3")["QUORATE_S3_ENDPOINT"])
    objects = store(bucket, endpoint=await proxy.start(), timeout_s=3.0)
    await objects.open()
    stack.push_async_callback(objects.close)
    yield proxy, objects.is_ready


SERVERS: Mapping[str, Callable] = {MONGODB: mongodb, RABBITMQ: rabbitmq, S3: s3}


@pytest.mark.parametrize("is_killed", [False, True], ids=["hung", "killed"])
@pytest.mark.parametrize("name", SERVERS)
async def test_a_server_that_hangs_or_was_killed_is_named(name: str, rows: list[Row], *, is_killed: bool):
    async with AsyncExitStack() as stack:
        proxy, check = await stack.enter_async_context(SERVERS[name](stack))
        stack.push_async_callback(proxy.close)
        role = "needs" if name == MONGODB else "uses"
        app = FastAPI()
        asked = {"needs": {}, "uses": {}, role: {name: check}}
        app.include_router(operations_router(Metrics(), None, **asked, is_for_this_machine=False))
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost")
        async with client:
            await until_ready(client)
            if is_killed:
                proxy.kill()
            else:
                proxy.flowing.clear()
            answer, after_s = await until_told(client, name)
        proxy.flowing.set()
    assert answer.startswith("503" if role == "needs" else "200")
    rows.append(Row(f"{name} {'killed' if is_killed else 'hung'}", answer, after_s, rule_for(name)))


async def test_in_one_process_a_database_that_cannot_be_written_is_named(tmp_path: Path, rows: list[Row]):
    async with running(tmp_path) as api:
        tasks = api.platform.files["tasks"]
        await api.http.get("/readyz")
        await tasks.write(lambda db: db.execute("PRAGMA query_only=1").rowcount)  # as SQLite answers without the right
        answer, after_s = await until_told(api.http, "tasks.sqlite")
        tasks._connection.execute("PRAGMA query_only=0")
    assert answer.startswith("503")
    rows.append(Row("one process: a database cannot be written", answer, after_s, rule_for("tasks.sqlite")))


async def test_in_one_process_a_full_disk_is_named(tmp_path: Path, rows: list[Row]):
    with mounted(tmp_path) as small_disk:
        await _fill_and_ask(small_disk, rows)


async def _fill_and_ask(small_disk: Path, rows: list[Row]) -> None:
    async with running(small_disk / "data") as api:
        await api.http.get("/readyz")
        fill(small_disk / "ballast")
        answer, after_s = await until_told(api.http, "objects")
        (small_disk / "ballast").unlink()
    assert answer.startswith("503")
    rows.append(Row("one process: the disk is full", answer, after_s, rule_for("objects")))
