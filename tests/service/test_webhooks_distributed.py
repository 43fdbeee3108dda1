"""The notifier as a service of its own: two replicas on MongoDB and RabbitMQ share the work and send nothing twice."""

import contextlib
import time
from collections.abc import AsyncIterator

import httpx

from services.notifier.app import create
from services.notifier.settings import NotifierSettings
from shared.bus.rabbitmq import RabbitBus
from shared.events import message
from tests.contract import mongo
from tests.contract.rabbitmq import broker
from tests.servers import need
from tests.service.receivers import receiving
from tests.service.webhooks_world import Hook, completed, verified

TASKS = 40


@contextlib.asynccontextmanager
async def replica(settings: NotifierSettings) -> AsyncIterator[httpx.AsyncClient]:
    app = create(settings).app
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost", timeout=60) as http,
    ):
        yield http


class Of:
    """What a `Hook` needs of a platform."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http


async def test_replicas_share_the_work_and_send_nothing_twice():
    async with broker() as at, mongo.database() as database, receiving() as receiver:
        settings = NotifierSettings(
            amqp_url=at.url,
            mongo_url=need("MongoDB")["QUORATE_MONGO_URL"],
            mongo_database=database.name,
            webhook_networks="127.0.0.0/8",
            webhook_pause_s=0.2,
        )
        async with replica(settings) as one, replica(settings) as other:
            body = {"url": f"http://127.0.0.1:{receiver.port}/", "events": ["task.completed"]}
            made = (await one.post("/api/webhooks", json=body)).raise_for_status().json()
            bus = RabbitBus(at.url, time.time, service="task_manager", delivery_limit=settings.delivery_limit)
            await bus.open()
            await bus.publish([message(completed(number)) for number in range(TASKS)])
            await bus.publish([message(completed(number)) for number in range(TASKS)])
            await bus.close()
            hook = Hook(Of(other), made["id"], made["secret"])
            delivered = await hook.until("delivered", TASKS, within_s=60)
            assert (await one.get("/readyz")).status_code == 200
    assert {len(delivery["tries"]) for delivery in delivered} == {1}
    ids = [got.headers["webhook-id"] for got in receiver.got]
    assert sorted(ids) == sorted(delivery["message_id"] for delivery in delivered)
    for got in receiver.got:
        verified(made["secret"], got.headers, got.body, time.time())
