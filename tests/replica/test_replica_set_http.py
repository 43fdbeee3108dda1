"""A service on a replica set in trouble: its callers are told to come again, and nothing is lost or done twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest_asyncio

from services.subtask_manager import announcements
from services.subtask_manager.app import create
from services.subtask_manager.settings import SubtaskManagerSettings
from services.subtask_manager.store.mongo import MongoSubtaskStore
from tests.contract.adapters import ManualClock
from tests.contract.operators import open_all, subtask_ids
from tests.contract.rabbitmq import broker
from tests.contract.subtask_scenes import ONE_VOTE
from tests.replica.faults import NOT_NOW, NOT_NOW_LABELS, UNSAFE, Fault
from tests.replica.opened import opened_set
from tests.replica.replica_set import ReplicaSet
from tests.servers import need

SUBTASKS = 3
NO_COMMAND = 59
ANN = {"X-Quorate-User": "ann"}


@dataclass(frozen=True)
class Served:
    primary: ReplicaSet
    http: httpx.AsyncClient

    async def lease(self) -> httpx.Response:
        return await self.http.post("/api/leases", json={"count": SUBTASKS})

    async def vote(self, lease: dict) -> httpx.Response:
        body = {"label": "cat", "token": lease["token"]}
        return await self.http.post(f"/api/subtasks/{lease['subtask_id']}/vote", json=body)

    async def look(self, lease: dict) -> dict:
        return (await self.http.get(f"/api/subtasks/{lease['subtask_id']}")).json()


@asynccontextmanager
async def serving() -> AsyncIterator[Served]:
    async with opened_set() as at, broker() as bus:
        store = MongoSubtaskStore(at.database, ManualClock(), announcements.announce)
        await store.prepare()
        await open_all(store, ONE_VOTE, subtask_ids(SUBTASKS))
        s3 = {name.removeprefix("QUORATE_").lower(): value for name, value in need("S3").items() if "S3" in name}
        settings = SubtaskManagerSettings(
            mongo_url=at.primary.url, mongo_database=at.database.name, amqp_url=bus.url, **s3
        )
        app = create(settings).app
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=ANN, timeout=60) as http,
        ):
            yield Served(at.primary, http)


@pytest_asyncio.fixture
async def served():
    async with serving() as opened:
        yield opened


def says_come_again(answer: httpx.Response) -> bool:
    return answer.status_code == 503 and int(answer.headers["retry-after"]) > 0


async def test_whatever_the_database_cannot_do_now_is_503_and_may_be_sent_again(served):
    (lease, *_) = (await served.lease()).json()["leases"]
    faults = [Fault(how="refused", code=code, commands=(name,)) for code in NOT_NOW for name in ("find", "update")]
    faults += [Fault(how="unwritten", code=code, commands=("update",)) for code in NOT_NOW]
    faults += [Fault(how="refused", code=NO_COMMAND, labels=(label,), commands=("update",)) for label in NOT_NOW_LABELS]
    told: dict[Fault, httpx.Response] = {}
    for fault in faults:
        served.primary.faults.begin(fault)
        told[fault] = await served.vote(lease)
        served.primary.faults.end()
    assert {fault: answer.text for fault, answer in told.items() if not says_come_again(answer)} == {}
    assert (await served.vote(lease)).status_code == 200


async def test_several_writes_at_once_that_cannot_be_done_now_are_503(served):
    told: dict[int, httpx.Response] = {}
    for code in NOT_NOW:
        served.primary.faults.begin(Fault(how="refused", code=code, commands=("update",)))
        told[code] = await served.lease()
        served.primary.faults.end()
    assert {code: answer.text for code, answer in told.items() if not says_come_again(answer)} == {}
    assert len((await served.lease()).json()["leases"]) == SUBTASKS


async def test_a_vote_that_may_be_taken_back_is_503_and_the_same_vote_again_is_counted_once(served):
    leases = (await served.lease()).json()["leases"]
    for code, lease in zip(UNSAFE, leases, strict=True):
        served.primary.faults.begin(Fault(how="unsafe", code=code, commands=("update",)))
        assert says_come_again(await served.vote(lease))
        served.primary.faults.end()
        again = await served.vote(lease)
        assert again.status_code == 200, again.text
        assert [vote["voter"] for vote in (await served.look(lease))["votes"]] == ["ann"]


async def test_votes_through_lost_answers_and_failovers_are_each_counted_once(served):
    leases = (await served.lease()).json()["leases"]
    served.primary.faults.begin(Fault(how="unanswered", commands=("update",)), times=1)
    await served.primary.lag()
    votes = [asyncio.create_task(served.vote(lease)) for lease in leases]
    await served.primary.lacks(SUBTASKS)
    await served.primary.fail_over(dies=True)
    for lease, vote in zip(leases, votes, strict=True):
        first = await vote  # a driver tries twice; one of them met both faults
        assert first.status_code == 200 or says_come_again(first)
        assert (await served.vote(lease)).status_code == 200
        seen = await served.look(lease)
        assert (seen["state"], [one["voter"] for one in seen["votes"]]) == ("completed", ["ann"])
