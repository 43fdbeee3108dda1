"""The consensus service as a service of its own: replicas on MongoDB and RabbitMQ share votes and runs."""

import contextlib
import time
from collections.abc import AsyncIterator

import httpx

from services.consensus.app import create
from services.consensus.settings import ConsensusServiceSettings
from shared import events
from shared.bus.rabbitmq import RabbitBus
from shared.results import VoteCast
from tests.consensus_waiting import until
from tests.contract import mongo
from tests.contract.rabbitmq import broker
from tests.servers import need

TASK = "7a" * 16
IMAGES = 30
LABELS = ("cat", "dog")


@contextlib.asynccontextmanager
async def replica(settings: ConsensusServiceSettings) -> AsyncIterator[httpx.AsyncClient]:
    app = create(settings).app
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost", timeout=60) as http,
    ):
        yield http


def ended(number: int) -> events.Message:
    image = f"{number:032x}"
    label = LABELS[number % 2]
    data = events.SubtaskEnded(
        task_id=TASK,
        subtask_id=image,
        revision=1,
        state="completed",
        label=label,
        agreement=1.0,
        tally=((label, 3),),
        votes=tuple(VoteCast(voter=voter, label=label, at=1.0) for voter in ("ann", "bob", "carl")),
        decided_by="quorum",
        completed_at=1_000.0 + number,
    )
    attributes = events.envelope(event_id=f"{image}/ended/1", source="test", subject=image, at=1_000.0)
    return events.message(events.SubtaskCompletedV1(**attributes, data=data))


async def images_of(http: httpx.AsyncClient) -> dict:
    """A run that is over, asked for until all votes have come."""

    async def over() -> dict | None:
        answer = await http.post("/api/consensus", json={"task_id": TASK})
        if answer.status_code != 202:
            return None
        run = (await http.get(f"/api/consensus/{answer.json()['id']}")).json()
        return run if run["images"] == IMAGES or run["state"] == "failed" else None

    return await until(over, "a run is over that has all votes")


async def test_replicas_share_votes_and_runs():
    async with broker() as at, mongo.database() as database:
        settings = ConsensusServiceSettings(
            amqp_url=at.url, mongo_url=need("MongoDB")["QUORATE_MONGO_URL"], mongo_database=database.name
        )
        async with replica(settings) as one, replica(settings) as other:
            bus = RabbitBus(at.url, time.time, service="subtask_manager", delivery_limit=settings.delivery_limit)
            await bus.open()
            for _ in range(2):
                await bus.publish([ended(number) for number in range(IMAGES)])
            await bus.close()
            run = await images_of(one)
            assert run["state"] == "finished", run
            told = (await other.get(f"/api/consensus/{run['id']}/results", params={"limit": 1000})).json()["items"]
            assert [row["methods"]["ds"]["label"] for row in told] == [LABELS[n % 2] for n in range(IMAGES)]
            again = (await other.post("/api/consensus", json={"task_id": TASK})).json()
            assert (again["id"], again["state"]) == (run["id"], "finished")
            assert (await one.get("/readyz")).status_code == 200
